/**
 * The served set: all devices of all sources as they go over the wire, and what each agent is told to sweep.
 *
 * Built beside the one that is served and put in its place in one step. A reader keeps the set that it opened, however
 * long it takes. The sequence grows with each set and never repeats, also when the spool was lost.
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

export const ServedSet = Schema.Struct({
  sequence: Schema.Int,
  devices: Schema.Int,
  /** Which generations and settings it was made of; equal signatures mean equal sets. */
  signature: Schema.String,
  sources: Schema.Array(ServedSource),
  sweeps: Schema.Array(SweepDocument),
  /** Bytes of each chunk; every chunk is a JSON array. */
  chunks: Schema.Array(Schema.Int),
  publishedAt: Schema.Int
})
export type ServedSet = typeof ServedSet.Type

export interface Portion {
  /** JSON of device updates, in the order in which they are served. */
  readonly updates: ReadonlyArray<string>
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
  readonly append: (portion: Portion) => Effect.Effect<void, SpoolError>
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

export interface OpenSet {
  readonly set: ServedSet
  readonly chunk: (index: number) => Effect.Effect<Uint8Array, SpoolError>
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
