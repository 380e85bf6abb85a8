/**
 * The tables behind the event store: there before the first write, ready for the rows of the days to come, and without
 * the rows that are older than they are kept.
 *
 * Several programs may do this at once; each thing is done by one of them.
 */
import { Context, Effect, Schedule } from "effect"
import type { EventStoreError } from "./EventStore.ts"

export interface Maintained {
  readonly created: number
  readonly dropped: number
  /** Old rows that were in no partition of their own. */
  readonly removedRows: number
  /** Partitions whose tables were busy; for the next round. */
  readonly postponed: number
}

export class EventTables extends Context.Service<EventTables, {
  /** Makes the tables or brings them up to date. Again and again, it does nothing. */
  readonly prepare: Effect.Effect<void, EventStoreError>
  readonly maintain: Effect.Effect<Maintained, EventStoreError>
}>()("serviceradar/services/event-writer/EventTables") {
  /** For a supervisor: prepares, waiting for the database if need be, then maintains every ten minutes. */
  static readonly keep = Effect.gen(function*() {
    const tables = yield* EventTables
    yield* tables.prepare.pipe(
      Effect.tapError((error) => Effect.logWarning(error.message)),
      Effect.retry(backoff),
      Effect.orDie
    )
    return yield* tables.maintain.pipe(
      Effect.tap((done) =>
        done.created + done.dropped + done.removedRows + done.postponed === 0
          ? Effect.void
          : Effect.logInfo("Maintained the event tables", done)
      ),
      Effect.catch((error) => Effect.logWarning(`The event tables are for the next round: ${error.message}`)),
      Effect.repeat(Schedule.jittered(Schedule.spaced("10 minutes"))),
      Effect.andThen(Effect.never)
    )
  })
}

const backoff = Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("5 seconds")]).pipe(Schedule.jittered)
