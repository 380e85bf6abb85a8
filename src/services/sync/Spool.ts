/**
 * Where the devices of all sources are kept: on disk, in generations.
 *
 * A run of a source writes a generation of its own. It becomes what the source stands for in one step (`commit`), or
 * waits as part of a plan, or is thrown away; nothing ever reads a part of one. Generations are numbered in the order of
 * their beginning, and an older one never replaces a newer one.
 */
import { Context, type Effect, type Option, Schema, type Scope } from "effect"
import { DiffSummary, type Entry } from "../../domain/inventory/GenerationDiff.ts"
import { SourceContext } from "../../domain/inventory/SourceContext.ts"
import type { Sighting } from "./DeviceSource.ts"

export class SpoolError extends Schema.TaggedError<SpoolError>()("SpoolError", {
  /** What was being done. */
  step: Schema.String,
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `Spool ${this.path}: ${this.step}: ${this.detail}`
  }
}

export const Generation = Schema.Struct({
  id: Schema.Int,
  context: SourceContext,
  /** In it, with those that were kept because their element could not be read. */
  devices: Schema.Int,
  /** That really came in this run. */
  received: Schema.Int,
  /** Unix milliseconds. */
  sealedAt: Schema.Int
})
export type Generation = typeof Generation.Type

export interface GenerationWriter {
  readonly id: number
  /** Adds what a page said; answers how many devices this query had not brought before. */
  readonly add: (query: number, sightings: ReadonlyArray<Sighting>) => Effect.Effect<number, SpoolError>
  /** Elements that could not be used. Their devices are kept from the generation before. */
  readonly reject: (
    query: number,
    keys: ReadonlyArray<string | undefined>
  ) => Effect.Effect<number, SpoolError>
  /** Nothing can be added afterwards, and it survives a power failure. Unsealed, it is gone with the scope. */
  readonly seal: (base: Option.Option<Generation>) => Effect.Effect<Generation, SpoolError>
}

export interface GenerationReader {
  /** The next records in key order; empty at the end. */
  readonly batch: (after: string, limit: number) => Effect.Effect<ReadonlyArray<Entry>, SpoolError>
  readonly get: (key: string) => Effect.Effect<Option.Option<Entry>, SpoolError>
  /** Whether the source had an element that could not be read and was, or may have been, this device. */
  readonly isUnread: (key: string) => Effect.Effect<boolean, SpoolError>
  /** For each identifier the smallest key of a device that has it. */
  readonly find: (identifiers: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<string | undefined>, SpoolError>
}

/** Why a source does not serve what it has now. */
export interface Trouble {
  readonly reason: string
  readonly detail: string
  /** Unix milliseconds. */
  readonly since: number
}

export interface SourceState {
  readonly name: string
  readonly current: Option.Option<Generation>
  readonly trouble: Option.Option<Trouble>
  /** What would end it, when a run is held. */
  readonly planId: Option.Option<string>
}

export const PlanItem = Schema.Struct({
  source: Schema.String,
  /** What it was compared with: 0 when the source had nothing. */
  base: Schema.Int,
  /** The generation to put in its place; 0 when the run brought none. */
  generation: Schema.Int,
  devices: Schema.Int,
  /** Why the service would not apply it by itself; empty when it would. */
  held: Schema.String,
  detail: Schema.String,
  diff: DiffSummary
})
export type PlanItem = typeof PlanItem.Type

export const Plan = Schema.Struct({
  id: Schema.String,
  createdAt: Schema.Int,
  state: Schema.Literals(["open", "applied"]),
  items: Schema.Array(PlanItem)
})
export type Plan = typeof Plan.Type

/** The plan does not exist, or no longer fits what is served. */
export class PlanRefused extends Schema.TaggedError<PlanRefused>()("PlanRefused", {
  planId: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `Plan ${this.planId} is not applied: ${this.reason}`
  }
}

export class Spool extends Context.Service<Spool, {
  readonly begin: (context: SourceContext) => Effect.Effect<GenerationWriter, SpoolError, Scope.Scope>
  readonly read: (generation: number) => Effect.Effect<GenerationReader, SpoolError, Scope.Scope>
  /** A sealed one that is still kept. */
  readonly generation: (id: number) => Effect.Effect<Option.Option<Generation>, SpoolError>
  readonly state: (source: string) => Effect.Effect<SourceState, SpoolError>
  /** Makes the generation what its source stands for; `false` when a newer one does already. Ends the source's trouble. */
  readonly commit: (generation: Generation) => Effect.Effect<boolean, SpoolError>
  /** The source goes on standing for what it did, and this is why. */
  readonly fail: (source: string, reason: string, detail: string) => Effect.Effect<void, SpoolError>
  /** Keeps the generations of a plan until it is applied or another plan for one of its sources comes. */
  readonly hold: (items: ReadonlyArray<PlanItem>) => Effect.Effect<Plan, SpoolError>
  readonly plans: Effect.Effect<ReadonlyArray<Plan>, SpoolError>
  /** All items in one step. A plan that has been applied before changes nothing. */
  readonly apply: (planId: string) => Effect.Effect<Plan, SpoolError | PlanRefused>
  /**
   * Removes generations that nobody needs any more, and what a killed process left. Needed are those that sources stand
   * for, those of open plans, those that somebody works on, and those that the served set was made of.
   */
  readonly tidy: Effect.Effect<void, SpoolError>
}>()("serviceradar-effect/services/sync/Spool") {}
