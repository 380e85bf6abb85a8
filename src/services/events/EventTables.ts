/**
 * The tables behind the event store: there before the first write, ready for the rows of the days to come, and without
 * the rows that are older than they are kept.
 *
 * Tables that another writer made are adopted, so that both write them. Several programs may do this at once; each thing
 * is done by one of them.
 */
import { Context, Duration, Effect, Option, Schema } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import { StoreUnavailable } from "./EventStore.ts"

/** What of an existing table keeps the writer from using it. */
const TableProblem = Schema.Struct({
  table: Schema.String,
  /** Empty when it is about the table as a whole. */
  column: Schema.String,
  found: Schema.String,
  wanted: Schema.String
})
export type TableProblem = typeof TableProblem.Type

const describe = ({ column, found, table, wanted }: TableProblem): string =>
  `${column === "" ? table : `${table}.${column}`} is ${found}, wanted ${wanted}`

/** Tables that cannot be made fit without changing what is in them; all others are ready. */
export class TablesUnfit extends Schema.TaggedError<TablesUnfit>()("TablesUnfit", {
  problems: Schema.Array(TableProblem)
}) {
  get detail(): string {
    return this.problems.map(describe).join("; ")
  }
}

export class EventTablesError extends Schema.TaggedError<EventTablesError>()("EventTablesError", {
  operation: Schema.String,
  reason: Schema.Union([StoreUnavailable, TablesUnfit])
}) {
  override get message(): string {
    return `Event tables, ${this.operation}: ${this.reason.detail}`
  }
}

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
  readonly prepare: Effect.Effect<void, EventTablesError>
  readonly maintain: Effect.Effect<Maintained, EventTablesError>
  /** A write found its table gone or changed: they are looked at again soon. */
  readonly disturbed: Effect.Effect<void>
  /** Waits until one did. */
  readonly awaitDisturbed: Effect.Effect<void>
  /** What the last `prepare` came to, for readiness. */
  readonly ready: Effect.Effect<void, EventTablesError>
}>()("serviceradar/services/event-writer/EventTables") {
  /**
   * For a supervisor: prepares, waiting for the database if need be, then maintains every ten minutes. Tables that cannot
   * be made fit are looked at again each time, and do not keep the others from being maintained.
   */
  static readonly keep = Effect.gen(function*() {
    const tables = yield* EventTables
    let told = ""
    const tell = (error: EventTablesError) => {
      const isNews = told !== error.message
      told = error.message
      if (!isNews) return Effect.void
      return isUnfit(error) ? Effect.logError(error.message) : Effect.logWarning(error.message)
    }
    const recovered = Effect.suspend(() => {
      const wasTold = told !== ""
      told = ""
      return wasTold ? Effect.logInfo("The event tables are as they should be") : Effect.void
    })
    const prepare = tables.prepare.pipe(
      Effect.tapError(tell),
      Effect.tap(() => recovered),
      Effect.retry({ schedule: backoff, while: (error) => !isUnfit(error) }),
      Effect.ignore
    )
    yield* prepare
    return yield* tables.maintain.pipe(
      Effect.tap((done) =>
        done.created + done.dropped + done.removedRows + done.postponed === 0
          ? Effect.void
          : Effect.logInfo("Maintained the event tables", done)
      ),
      Effect.catch((error) => Effect.logWarning(`The event tables are for the next round: ${error.message}`)),
      Effect.andThen(Effect.timeoutOption(tables.awaitDisturbed, period)),
      Effect.flatMap(Option.match({
        onNone: () => tables.ready.pipe(Effect.catch(() => prepare)),
        // Not for each of the messages that wait.
        onSome: () => Effect.andThen(prepare, Effect.sleep(disturbedPause))
      })),
      Effect.forever
    )
  })
}

const isUnfit = ({ reason }: EventTablesError): boolean => reason._tag === "TablesUnfit"

const period = Duration.minutes(10)
const disturbedPause = Duration.seconds(5)

const backoff = Backoff.capped({ from: "200 millis", to: "5 seconds" })
