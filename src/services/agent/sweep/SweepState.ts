/**
 * What of sweeps outlasts the agent: the blocks of one that was interrupted, and the last one that came to its end.
 *
 * A plan is known by its identity; what was kept of another plan is of no use to this one.
 */
import { Context, Effect, Layer, Schema } from "effect"
import type { BlockFindings } from "../../../domain/agent/sweep/SweepFindings.ts"

export class SweepStateError extends Schema.TaggedError<SweepStateError>()("SweepStateError", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.file}: ${this.detail}`
  }
}

export interface Kept {
  /** How many sweeps had come to their end; undefined when that is not known. */
  readonly sequence: number | undefined
  /** Of the last one, when it was of this plan. */
  readonly completed: ReadonlyArray<BlockFindings>
  /** Of the one that was interrupted, when it was of this plan. */
  readonly interrupted: ReadonlyArray<BlockFindings>
  /** What of it cannot be read, and why. */
  readonly unreadable: ReadonlyArray<string>
}

export class SweepState extends Context.Service<SweepState, {
  readonly load: (plan: string) => Effect.Effect<Kept, SweepStateError>
  /** Begins to keep a sweep; `goesOn`: with the blocks that were kept of it before. */
  readonly begin: (plan: string, goesOn: boolean) => Effect.Effect<void, SweepStateError>
  readonly add: (block: BlockFindings) => Effect.Effect<void, SweepStateError>
  readonly complete: (sequence: number) => Effect.Effect<void, SweepStateError>
}>()("serviceradar-effect/services/agent/sweep/SweepState") {
  /** Where there is no place on disk. */
  static readonly layerNothing = Layer.succeed(this, {
    load: () => Effect.succeed({ sequence: undefined, completed: [], interrupted: [], unreadable: [] }),
    begin: () => Effect.void,
    add: () => Effect.void,
    complete: () => Effect.void
  })
}
