/**
 * Trace summaries in PostgreSQL, each computed anew from all spans of its trace.
 *
 * Only traces with spans written since the last refresh are looked at, found by `created_at`; that also finds late spans
 * and those of other writers. Long times are taken in windows, each a statement of its own that need not be repeated
 * after a failure; a window that takes too long is tried again smaller. A session's lock lets one program do it.
 */
import { Duration, Effect, Layer } from "effect"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import * as RefreshPlan from "../../../domain/events/storing/RefreshPlan.ts"
import { retentionDefault } from "../../../domain/events/storing/TablePolicy.ts"
import { type Refreshed, TraceSummaries } from "../../../services/events/TraceSummaries.ts"
import { PgConnection } from "../../postgres/connection/PgConnection.ts"
import { quote } from "./InsertStatement.ts"
import { toDate } from "./PartitionMaintenance.ts"
import * as StoreFailure from "./StoreFailure.ts"
import * as TablePlace from "./TablePlace.ts"
import * as Statements from "./TraceSummaryStatements.ts"

export interface PgTraceSummariesOptions {
  /** Where the tables are and in whose form; by default the current one in `platform`. */
  readonly place?: TablePlace.TablePlace
  /** In place of `place`, of the current form. */
  readonly schema?: string
  /** Default as long as the spans. */
  readonly retention?: Duration.Duration | undefined
  /** How far a refresh reaches back behind the last one, for transactions it cannot see. Default 1 min. */
  readonly overlap?: Duration.Duration
  /** Taken in one statement at most. Default 1 h. */
  readonly window?: Duration.Duration
}

const windowMillisMin = 1_000

const removedAtOnce = 5_000

const removedInARoundMax = 200 * removedAtOnce

/** Few of many spans, found by their traces: without statistics of today's partition the planner may read all days. */
const settings = ["set enable_hashjoin = off", "set enable_mergejoin = off"]

const resets = ["reset enable_hashjoin", "reset enable_mergejoin"]

interface Facts {
  readonly now: Date
  readonly upto: Date | null
  readonly oldest: Date | null
  readonly first: Date | null
}

interface Place {
  readonly table: string | null
  readonly hasTenants: boolean
}

const skipped: Refreshed = { written: 0, removed: 0, isSkipped: true }

const isTooSlow = (error: SqlError) => error.reason._tag === "StatementTimeoutError"

interface Rounds extends Required<Pick<PgTraceSummariesOptions, "overlap" | "window">> {
  readonly schema: string
  readonly retention: Duration.Duration
}

const make = (options: Rounds) => {
  const { overlap, retention, schema, window } = options
  const name = `${quote(schema)}.${Statements.theirTable}`
  const limits = { overlapMillis: Duration.toMillis(overlap), retentionMillis: Duration.toMillis(retention) }

  const run = (session: Connection, text: string, parameters: ReadonlyArray<unknown> = []) =>
    session.execute(text, parameters, undefined)

  const countOf = (session: Connection, text: string, parameters: ReadonlyArray<unknown>) =>
    Effect.map(run(session, text, parameters), ([row]: ReadonlyArray<{ readonly count: number }>) => row?.count ?? 0)

  const locked = (session: Connection) =>
    Effect.acquireRelease(
      Effect.map(
        run(session, "select pg_try_advisory_lock(hashtextextended($1, 0)) as done", [name]),
        ([row]: ReadonlyArray<{ readonly done: boolean }>) => row?.done === true
      ),
      (isOurs) =>
        isOurs ? Effect.ignore(run(session, "select pg_advisory_unlock(hashtextextended($1, 0))", [name])) : Effect.void
    )

  const configured = (session: Connection) =>
    Effect.acquireRelease(
      Effect.forEach(settings, (text) => run(session, text), { discard: true }),
      () => Effect.ignore(Effect.forEach(resets, (text) => run(session, text), { discard: true }))
    )

  const refreshAll = Effect.fnUntraced(function*(session: Connection, plan: RefreshPlan.RefreshPlan, text: string) {
    const keptSince = toDate(plan.toMillis - limits.retentionMillis)
    let written = 0
    let from = plan.fromMillis
    let width = Duration.toMillis(window)
    while (from < plan.toMillis) {
      const to = Math.min(from + width, plan.toMillis)
      const count = yield* countOf(session, text, [toDate(from), toDate(to), keptSince]).pipe(
        Effect.catchIf((error) => isTooSlow(error) && to - from > windowMillisMin, () => Effect.undefined)
      )
      if (count === undefined) {
        width = Math.max(windowMillisMin, Math.floor((to - from) / 4))
        continue
      }
      written += count
      from = to
      yield* run(session, Statements.setProgress(schema), [toDate(Math.min(to, plan.completeMillis))])
    }
    return written
  })

  const removeOld = Effect.fnUntraced(function*(session: Connection, table: string, before: Date) {
    let removed = 0
    let last = removedAtOnce
    while (last === removedAtOnce && removed < removedInARoundMax) {
      last = yield* countOf(session, Statements.removeSlice(schema, table), [before, removedAtOnce])
      removed += last
    }
    return removed
  })

  return Effect.fnUntraced(function*(session: Connection) {
    if (!(yield* locked(session))) return skipped
    const [place]: ReadonlyArray<Place> = yield* run(session, Statements.place(schema))
    // A materialized view is refreshed by whoever made it, and without our migrations there is nothing to go on from.
    const table = place?.table ?? null
    if (place === undefined || table === null) return skipped
    const [found]: ReadonlyArray<Facts> = yield* run(session, Statements.begin(schema))
    if (found === undefined) return skipped
    const nowMillis = found.now.getTime()
    const plan = RefreshPlan.make({
      nowMillis,
      uptoMillis: found.upto?.getTime(),
      oldestMillis: found.oldest?.getTime(),
      firstMillis: found.first?.getTime()
    }, limits)
    yield* configured(session)
    const written = plan === undefined
      ? 0
      : yield* refreshAll(session, plan, Statements.refresh(schema, table, place.hasTenants))
    const removed = yield* removeOld(session, table, toDate(nowMillis - limits.retentionMillis))
    return { written, removed, isSkipped: false }
  })
}

export const layer = (options: PgTraceSummariesOptions = {}): Layer.Layer<TraceSummaries, never, PgConnection> => {
  const {
    overlap = Duration.minutes(1),
    retention = retentionDefault.otel_traces,
    place = TablePlace.inSchema(options.schema),
    window = Duration.hours(1)
  } = options
  const refresh = Effect.fnUntraced(function*(session: Connection) {
    const { form, schema } = yield* place
    // The readers of v1.0.76 summarize by themselves.
    return form === "current" ? yield* make({ overlap, retention, schema, window })(session) : skipped
  })
  return Layer.effect(
    TraceSummaries,
    Effect.map(PgConnection, (connection) =>
      TraceSummaries.of({
        refresh: Effect.flatMap(connection.client, (sql) => sql.reserve).pipe(
          Effect.flatMap(refresh),
          Effect.scoped,
          Effect.mapError((error) => StoreFailure.ofQuery(error, "refreshing the trace summaries")),
          Effect.withSpan("TraceSummaries.refresh")
        )
      }))
  )
}
