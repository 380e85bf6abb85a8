/**
 * One row per trace, over all of its spans, for questions that spans would answer slowly.
 *
 * A summary follows from the spans that are stored, whoever stored them, and never from messages: it is brought up to
 * date some time after its trace got a span, late ones too. Several programs may refresh at once; one of them does it.
 */
import { Context, Duration, Effect, Schedule } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import type { EventStoreError } from "./EventStore.ts"

export interface Refreshed {
  /** Summaries that were written, as they are new or changed. */
  readonly written: number
  /** Summaries that got too old. */
  readonly removed: number
  /** Another program is at it, or the table is not ours to fill. */
  readonly isSkipped: boolean
}

export class TraceSummaries extends Context.Service<TraceSummaries, {
  readonly refresh: Effect.Effect<Refreshed, EventStoreError>
}>()("serviceradar/services/event-writer/TraceSummaries") {
  /** For a supervisor: refreshes at once and then on the interval, about two minutes by default; sooner after a failure. */
  static readonly keep = (interval: Duration.Duration = intervalDefault) =>
    TraceSummaries.use((summaries) => summaries.refresh).pipe(
      Effect.tap(({ isSkipped, removed, written }) =>
        isSkipped ? Effect.void : Effect.logDebug("Refreshed the trace summaries", { written, removed })
      ),
      Effect.tapError((error) =>
        // An outage is told of where rows wait for its end.
        error.reason._tag === "StoreUnavailable" ? Effect.logDebug(error.message) : Effect.logWarning(error.message)
      ),
      Effect.retry(Backoff.capped({ from: "1 second", to: interval })),
      Effect.repeat(Schedule.jittered(Schedule.spaced(interval))),
      Effect.orDie,
      Effect.andThen(Effect.never)
    )
}

const intervalDefault = Duration.minutes(2)
