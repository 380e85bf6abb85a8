/**
 * The served set: all devices of all sources as they go over the wire, and what each agent is told to sweep.
 *
 * Built beside the one that is served and put in its place in one step. A reader keeps the set that it opened, however
 * long it takes. The sequence grows with each set and never repeats, also when the spool was lost. Of the last sets what
 * was in them is remembered, so that a reader of one of them can be told the difference.
 */
import { Context, type Effect, type Option, Schema, type Scope, type Stream } from "effect"
import type { SpoolError } from "./Spool.ts"

export const SweepDocument = Schema.Struct({
  agentId: Schema.String,
  /** Lower-case hexadecimal; empty when there is nothing to sweep. */
  sha256: Schema.String,
  bytes: Schema.Int,
  targets: Schema.Int,
  networks: Schema.Int
})
export type SweepDocument = typeof SweepDocument.Type

export const ServedSource = Schema.Struct({
  name: Schema.String,
  generation: Schema.Int,
  /** Served under this source's name: neither blacklisted nor part of an earlier source's device. */
  devices: Schema.Int,
  /** Unix milliseconds: when the run ended. */
  sealedAt: Schema.Int
})
export type ServedSource = typeof ServedSource.Type

/** A part of the list, in key order: the devices of a source, or what it retracts. */
export const SectionAbout = Schema.Struct({
  source: Schema.String,
  kind: Schema.Literals(["devices", "retractions"]),
  /** Which all its devices have; empty where each has its own. */
  timestamp: Schema.String
})
export type SectionAbout = typeof SectionAbout.Type

/** With its place in what is remembered of the set. */
export const Section = Schema.Struct({ ...SectionAbout.fields, offset: Schema.Int, bytes: Schema.Int })
export type Section = typeof Section.Type

export const ServedSet = Schema.Struct({
  sequence: Schema.Int,
  devices: Schema.Int,
  /** Elements of the list that retract a device; sets of earlier versions have none. */
  retractions: Schema.optionalKey(Schema.Int),
  /** Which generations and settings it was made of; equal signatures mean equal sets. */
  signature: Schema.String,
  sources: Schema.Array(ServedSource),
  sections: Schema.optionalKey(Schema.Array(Section)),
  sweeps: Schema.Array(SweepDocument),
  /** Bytes of each chunk; every chunk is a JSON array. */
  chunks: Schema.Array(Schema.Int),
  publishedAt: Schema.Int
})
export type ServedSet = typeof ServedSet.Type

/** One element of the list. */
export interface ServedElement {
  /** Unique in its section. */
  readonly key: string
  /** JSON of a device update. */
  readonly text: string
  /** By which the device of a retraction would be known again. */
  readonly identifiers?: ReadonlyArray<string>
}

export interface Portion {
  /** In the order in which they are served. */
  readonly elements: ReadonlyArray<ServedElement>
  readonly targets: ReadonlyArray<string>
  readonly networks: ReadonlyArray<string>
  readonly agentId: string
}

/** A device of a source. */
export interface DeviceKey {
  /** Position in the order of precedence. */
  readonly source: number
  readonly key: string
}

export interface ResultsDraft {
  /** What is appended from now on belongs to this part. */
  readonly begin: (section: SectionAbout) => Effect.Effect<void, SpoolError>
  readonly append: (portion: Portion) => Effect.Effect<void, SpoolError>
  /** Collected in any order; of two with one key the first counts. */
  readonly collectRetractions: (elements: ReadonlyArray<ServedElement>) => Effect.Effect<void, SpoolError>
  /** Appends what was collected since the last time, as a part of its own. */
  readonly appendRetractions: (source: string) => Effect.Effect<number, SpoolError>
  /** Makes `device` a part of `base`, unless `base` has a device of that source already. */
  readonly join: (base: DeviceKey, device: DeviceKey) => Effect.Effect<boolean, SpoolError>
  /** The device that this one is a part of. */
  readonly baseOf: (device: DeviceKey) => Effect.Effect<Option.Option<DeviceKey>, SpoolError>
  /** Devices that are a part of another. */
  readonly joined: () => number
  /** The parts of a device, in order of precedence. */
  readonly partsOf: (base: DeviceKey) => Effect.Effect<ReadonlyArray<DeviceKey>, SpoolError>
  readonly publish: (
    about: Pick<ServedSet, "signature" | "sources">
  ) => Effect.Effect<ServedSet, SpoolError>
}

/** How a list differs from an older one, element by element. */
export type ListChange =
  | { readonly _tag: "Put"; readonly section: SectionAbout; readonly key: string; readonly text: Uint8Array }
  | { readonly _tag: "Removed"; readonly section: SectionAbout; readonly key: string }

/** In the order of the list, in batches that may be empty. */
export type ListChanges = Stream.Stream<ReadonlyArray<ListChange>, SpoolError>

export interface OpenSet {
  readonly set: ServedSet
  readonly chunk: (index: number) => Effect.Effect<Uint8Array, SpoolError>
  /** Every element, as if there had been none before. None when the set is of a version that did not remember them. */
  readonly everything: Effect.Effect<Option.Option<ListChanges>, SpoolError>
  /** What has become different since the set of this sequence; none when that is no longer, or never was, known. */
  readonly since: (sequence: number) => Effect.Effect<Option.Option<ListChanges>, SpoolError, Scope.Scope>
  /** What this source retracts in the set, in batches. */
  readonly retractions: (source: string) => Stream.Stream<ReadonlyArray<ServedElement>, SpoolError>
}

export class ResultsStore extends Context.Service<ResultsStore, {
  readonly current: Effect.Effect<Option.Option<ServedSet>, SpoolError>
  /** None before anything was published. */
  readonly open: Effect.Effect<Option.Option<OpenSet>, SpoolError, Scope.Scope>
  /** The text of a sweep document of the current set. */
  readonly sweep: (document: SweepDocument) => Stream.Stream<Uint8Array, SpoolError>
  /** One at a time. */
  readonly draft: (agentIds: ReadonlyArray<string>) => Effect.Effect<ResultsDraft, SpoolError, Scope.Scope>
}>()("serviceradar-effect/services/sync/ResultsStore") {}
