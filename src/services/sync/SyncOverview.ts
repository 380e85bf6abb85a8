/** What each source is doing, what it stands for and what waits for a person: for whoever watches. */
import { Effect, Option } from "effect"
import { Spool, type SpoolError } from "./Spool.ts"
import { type SourceProgress, SyncProgress, waiting } from "./SyncProgress.ts"

export interface SourceOverview extends SourceProgress {
  /** Number of the run that it stands for; 0 for none. */
  readonly generation: number
  /** Devices of that run. */
  readonly kept: number
  /** Devices that are gone by a run that is held: they go when its plan is applied. */
  readonly retractionsPending: number
}

/** In the order of the names. */
export const read = Effect.fn("SyncOverview.read")(function*(
  sources: ReadonlyArray<string>
): Effect.fn.Return<ReadonlyArray<SourceOverview>, SpoolError, Spool | SyncProgress> {
  const spool = yield* Spool
  const progress = yield* SyncProgress
  const now = new Map((yield* progress.all).map((one) => [one.source, one]))
  const plans = yield* spool.plans
  const pendingOf = (source: string, planId: Option.Option<string>): number =>
    plans.filter(({ id, state }) => state === "open" && Option.contains(planId, id)).flatMap(({ items }) => items)
      .filter((item) => item.source === source).reduce((sum, { diff }) => sum + diff.retractions, 0)
  return yield* Effect.forEach(
    sources,
    (source) =>
      Effect.map(spool.state(source), ({ current, planId }): SourceOverview => ({
        ...(now.get(source) ?? waiting(source)),
        generation: Option.match(current, { onNone: () => 0, onSome: ({ id }) => id }),
        kept: Option.match(current, { onNone: () => 0, onSome: ({ devices }) => devices }),
        retractionsPending: pendingOf(source, planId)
      }))
  )
})
