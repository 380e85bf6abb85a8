/**
 * Reads for one query: in a transaction of its own that can read only, ends by itself after its seconds, and names its tenant
 * for row-level security, in a role that cannot bypass it. Who stops waiting stops the statement at the server too. Only so
 * many at once, so that they hold up nothing else on the same connections.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { Duration, Effect, Option, Schema, type Scope, Semaphore, Stream } from "effect"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import type { Plan } from "../../domain/srql/plan/Plan.ts"
import {
  DatabaseAway,
  NoSuchData,
  QueryError,
  type Question,
  StatementRefused,
  TooCostly,
  TookTooLong,
  TooManyQuestions
} from "../../services/queries/Queries.ts"
import { PgConnection } from "../postgres/connection/PgConnection.ts"
import * as QueryViews from "../postgres/connection/QueryViews.ts"
import * as RowSecurity from "../postgres/connection/RowSecurity.ts"
import * as SqlFailure from "../postgres/connection/SqlFailure.ts"

export interface ReadingLimits {
  /** In units of PostgreSQL's planner, of queries that aggregate; default 5,000,000. */
  readonly costMax?: number
  /** More have to wait; default 4, half of core's connections, so that queries hold up no reports. */
  readonly atOnce?: number
  /** How long they wait before they are refused; default 10. */
  readonly patienceSeconds?: number
}

/** Where the event writer makes its tables. */
const eventSchema = "platform"

const Explained = Schema.Struct({ Plan: Schema.Struct({ "Total Cost": Schema.Finite }) })
const decodeExplained = Schema.decodeUnknownOption(Schema.Tuple([
  Schema.Struct({
    "QUERY PLAN": Schema.Union([Schema.fromJsonString(Schema.Array(Explained)), Schema.Array(Explained)])
  })
]))

const Row = Schema.Struct({ row: Schema.String, after: Schema.optionalKey(Schema.NullOr(Schema.String)) })
export type Row = typeof Row.Type
const decodeRows = Schema.decodeUnknownEffect(Schema.Array(Row))
const decodeSome = Schema.decodeUnknownEffect(Schema.NonEmptyArray(Row))

export interface Prepared {
  readonly plan: Plan
  readonly statement: string
  readonly params: ReadonlyArray<unknown>
}

const failure = (entity: string, timeoutSeconds: number) => (error: SqlError): QueryError => {
  const detail = SqlFailure.detail(error)
  return new QueryError({
    reason: SqlFailure.isCanceled(error)
      ? new TookTooLong({ seconds: timeoutSeconds })
      : SqlFailure.isOfSchema(error)
      ? new NoSuchData({ entity, detail })
      : SqlFailure.isOutage(error) || SqlFailure.isRefusal(error)
      ? new DatabaseAway({ detail })
      : new StatementRefused({ detail })
  })
}

const settings = "SELECT set_config('statement_timeout', $1, true), set_config('timezone', 'UTC', true), " +
  `set_config('search_path', current_setting('search_path') || ', ${eventSchema}, ${QueryViews.schema}', true)`

const settingsOfTenant = `${settings}, set_config('${RowSecurity.setting}', $2, true), ${RowSecurity.takeRole}`

/** A connection within a transaction that ends with the scope and has changed nothing. */
const reading = Effect.fnUntraced(function*(
  client: PgClient.PgClient,
  tenant: string | null,
  timeoutSeconds: number
): Effect.fn.Return<Connection, SqlError, Scope.Scope> {
  const connection = yield* client.reserve
  yield* Effect.acquireRelease(
    connection.executeUnprepared("BEGIN TRANSACTION READ ONLY", [], undefined),
    () => Effect.ignore(connection.executeUnprepared("ROLLBACK", [], undefined))
  )
  const limit = `${timeoutSeconds * 1000}`
  yield* tenant === null
    ? connection.execute(settings, [limit], undefined)
    : connection.execute(settingsOfTenant, [limit, tenant], undefined)
  return connection
})

/** Rows of one entity end with their limit; what aggregates reads all there is. */
const isBounded = ({ shape }: Plan): boolean => shape.kind === "rows"

const costOf = (connection: Connection, { params, statement }: Prepared): Effect.Effect<number, SqlError> =>
  Effect.map(
    connection.executeUnprepared(`EXPLAIN (FORMAT JSON) ${statement}`, params, undefined),
    (rows) =>
      Option.match(decodeExplained(rows), {
        onNone: () => 0,
        onSome: ([{ "QUERY PLAN": plans }]) => plans[0]?.Plan["Total Cost"] ?? 0
      })
  )

/** No more than these are taken in one piece, by a statement that the server remembers. */
const pieceMax = 1000

/** Of rows whose time of storing is not the database's own, as of statuses that core stores. */
const marginSeconds = 5

/** Transactions of others may not be ours to see: then they are given a minute. */
const oldestTransaction = `
  select to_char(least(
      min(xact_start), now() - $1::int * interval '1 s',
      case when bool_or(query = '<insufficient privilege>') then now() - interval '1 min' end
    ) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as oldest
  from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`

const decodeOldest = Schema.decodeUnknownEffect(Schema.Tuple([Schema.Struct({ oldest: Schema.String })]))

const unexpected = ({ message }: Schema.SchemaError) =>
  new QueryError({ reason: new StatementRefused({ detail: `unexpected row: ${message}` }) })

export const make = Effect.fnUntraced(function*(
  { atOnce = 4, costMax = 5_000_000, patienceSeconds = 10 }: ReadingLimits
) {
  const database = yield* PgConnection
  const places = yield* Semaphore.make(atOnce)
  const client = Effect.mapError(
    database.client,
    ({ detail }) => new QueryError({ reason: new DatabaseAway({ detail }) })
  )

  /** Until the scope closes. */
  const place = Effect.acquireRelease(places.take(1), () => places.release(1), { interruptible: true }).pipe(
    Effect.timeoutOrElse({
      duration: Duration.seconds(patienceSeconds),
      orElse: () => Effect.fail(new QueryError({ reason: new TooManyQuestions({ atOnce }) }))
    })
  )

  /** In which the question can be asked: it costs no more than it may. */
  const transaction = Effect.fnUntraced(function*(prepared: Prepared, question: Question, seconds: number) {
    const toError = failure(prepared.plan.entity, seconds)
    yield* place
    const connection = yield* Effect.mapError(reading(yield* client, question.tenant, seconds), toError)
    if (!isBounded(prepared.plan) && question.isCostly !== true) {
      const cost = yield* Effect.mapError(costOf(connection, prepared), toError)
      if (cost > costMax) return yield* new QueryError({ reason: new TooCostly({ cost, costMax }) })
    }
    return { connection, toError }
  })

  /** Rows as they come from the server, a few at a time, and where they are few in one piece. */
  const open = (prepared: Prepared, question: Question, seconds: number): Stream.Stream<Row, QueryError> =>
    Stream.unwrap(Effect.map(transaction(prepared, question, seconds), ({ connection, toError }) => {
      const { params, plan, statement } = prepared
      return plan.limit <= pieceMax
        ? Stream.fromArrayEffect(
          connection.execute(statement, params, undefined).pipe(
            Effect.mapError(toError),
            Effect.flatMap((rows) => Effect.mapError(decodeRows(rows), unexpected))
          )
        )
        : connection.executeStream(statement, params, undefined).pipe(
          Stream.mapError(toError),
          Stream.mapArrayEffect((rows) => Effect.mapError(decodeSome(rows), unexpected))
        )
    }))

  const examine = (prepared: Prepared, question: Question, seconds: number): Effect.Effect<void, QueryError> =>
    Effect.scoped(Effect.flatMap(
      transaction(prepared, question, seconds),
      ({ connection, toError }) => Effect.mapError(costOf(connection, prepared), toError)
    ))

  /** From when on rows may still appear: transactions that run now began then or later. */
  const oldest = (entity: string): Effect.Effect<string, QueryError> =>
    Effect.flatMap(client, (client) =>
      client.unsafe(oldestTransaction, [marginSeconds]).pipe(
        Effect.mapError(failure(entity, 0)),
        Effect.flatMap((rows) => Effect.mapError(decodeOldest(rows), unexpected)),
        Effect.map(([{ oldest }]) => oldest)
      ))

  return { open, examine, oldest }
})
