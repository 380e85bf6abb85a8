/**
 * Reads for one query, in a session that can read only and ends it after its seconds. Where it is a tenant's it is a transaction
 * that names the tenant for row-level security, in a role that cannot bypass it. Who stops waiting stops the statement at the
 * server too.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, Option, Schema, type Scope, Stream } from "effect"
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
  TookTooLong
} from "../../services/queries/Queries.ts"
import type { DatabaseUnavailable } from "../postgres/connection/PgConnection.ts"
import * as RowSecurity from "../postgres/connection/RowSecurity.ts"
import * as SqlFailure from "../postgres/connection/SqlFailure.ts"
import * as LowPriority from "./LowPriority.ts"
import * as QueryPlaces from "./QueryPlaces.ts"
import * as QueryPool from "./QueryPool.ts"

export interface ReadingLimits extends QueryPlaces.PlaceLimits {
  /** In units of PostgreSQL's planner, of queries that aggregate; default 5,000,000. */
  readonly costMax?: number
  /** Default 30. */
  readonly timeoutSeconds?: number
  /** Whether the server is a process of ours on this machine, see `LowPriority`; default false. */
  readonly isOwnServer?: boolean
}

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

/** What a statement is run by: a session of the pool, whose defaults are enough, or one within a transaction. */
interface Reader {
  readonly all: (statement: string, params: ReadonlyArray<unknown>) => Effect.Effect<ReadonlyArray<unknown>, SqlError>
  /** Not remembered by the server. */
  readonly once: (statement: string, params: ReadonlyArray<unknown>) => Effect.Effect<ReadonlyArray<unknown>, SqlError>
  /** As they come. */
  readonly pieces: (statement: string, params: ReadonlyArray<unknown>) => Stream.Stream<unknown, SqlError>
}

const ofSession = (client: PgClient.PgClient): Reader => ({
  all: (statement, params) => client.unsafe(statement, params),
  once: (statement, params) => client.unsafe(statement, params).unprepared,
  pieces: (statement, params) => client.unsafe(statement, params).stream
})

const ofConnection = (connection: Connection): Reader => ({
  all: (statement, params) => connection.execute(statement, params, undefined),
  once: (statement, params) => connection.executeUnprepared(statement, params, undefined),
  pieces: (statement, params) => connection.executeStream(statement, params, undefined)
})

interface Setting {
  readonly timeoutSeconds: number
  readonly tenant: string | null
  /** Several processes for one query: only when it is alone. */
  readonly isAlone: boolean
}

const settings = "SELECT set_config('statement_timeout', $1, true)"
const ofOneProcess = ", set_config('max_parallel_workers_per_gather', '0', true)"
const ofTenant = `, set_config('${RowSecurity.setting}', $2, true), ${RowSecurity.takeRole}`

/** A session within a transaction that ends with the scope and has changed nothing. */
const transaction = Effect.fnUntraced(function*(
  client: PgClient.PgClient,
  { isAlone, tenant, timeoutSeconds }: Setting
): Effect.fn.Return<Reader, SqlError, Scope.Scope> {
  const connection = yield* client.reserve
  yield* Effect.acquireRelease(
    connection.execute("BEGIN TRANSACTION READ ONLY", [], undefined),
    () => Effect.ignore(connection.execute("ROLLBACK", [], undefined))
  )
  yield* connection.execute(
    `${settings}${isAlone ? "" : ofOneProcess}${tenant === null ? "" : ofTenant}`,
    [`${timeoutSeconds * 1000}`, ...(tenant === null ? [] : [tenant])],
    undefined
  )
  return ofConnection(connection)
})

/** Rows of one entity end with their limit; what aggregates reads all there is. */
const isBounded = ({ shape }: Plan): boolean => shape.kind === "rows"

const costOf = (reader: Reader, { params, statement }: Prepared): Effect.Effect<number, SqlError> =>
  Effect.map(
    reader.once(`EXPLAIN (FORMAT JSON) ${statement}`, params),
    (rows) =>
      Option.match(decodeExplained(rows), {
        onNone: () => 0,
        onSome: ([{ "QUERY PLAN": plans }]) => plans[0]?.Plan["Total Cost"] ?? 0
      })
  )

/** No more than these are taken in one piece. */
export const pieceMax = 1000

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

const away = ({ detail }: DatabaseUnavailable) => new QueryError({ reason: new DatabaseAway({ detail }) })

const unexpected = ({ message }: Schema.SchemaError) =>
  new QueryError({ reason: new StatementRefused({ detail: `unexpected row: ${message}` }) })

export const make = Effect.fnUntraced(function*(limits: ReadingLimits) {
  const { atOnce = 4, costMax = 5_000_000, timeoutSeconds = 30 } = limits
  const places = QueryPlaces.make(limits)
  const giveWay = limits.isOwnServer === true ? yield* LowPriority.make : Effect.void
  const pool = yield* QueryPool.make({ maxConnections: atOnce + 1, timeoutSeconds })

  const connected = (toError: (error: SqlError) => QueryError) =>
    Effect.mapError(pool, (error) => error._tag === "SqlError" ? toError(error) : away(error))

  /** In which the question can be asked: it costs no more than it may. */
  const reading = Effect.fnUntraced(function*(prepared: Prepared, question: Question, seconds: number) {
    const toError = failure(prepared.plan.entity, seconds)
    yield* places.take(question.asker ?? "")
    const clients = yield* connected(toError)
    const client = prepared.plan.isRanged ? clients.ranged : clients.plain
    yield* giveWay
    const isAlone = places.taken() === 1
    const isPlain = question.tenant === null && seconds === timeoutSeconds && isAlone
    const reader = isPlain
      ? ofSession(client)
      : yield* Effect.mapError(
        transaction(client, { timeoutSeconds: seconds, tenant: question.tenant, isAlone }),
        toError
      )
    if (!isBounded(prepared.plan) && question.isCostly !== true) {
      const cost = yield* Effect.mapError(costOf(reader, prepared), toError)
      if (cost > costMax) return yield* new QueryError({ reason: new TooCostly({ cost, costMax }) })
    }
    return { reader, toError }
  })

  /** Rows as they come from the server, a few at a time. */
  const open = (prepared: Prepared, question: Question, seconds: number): Stream.Stream<Row, QueryError> =>
    Stream.unwrap(
      Effect.map(
        reading(prepared, question, seconds),
        ({ reader, toError }) =>
          reader.pieces(prepared.statement, prepared.params).pipe(
            Stream.mapError(toError),
            Stream.mapArrayEffect((rows) => Effect.mapError(decodeSome(rows), unexpected))
          )
      )
    )

  /** Rows in one piece, by a statement that the server remembers. */
  const read = Effect.fnUntraced(function*(prepared: Prepared, question: Question, seconds: number) {
    const { reader, toError } = yield* reading(prepared, question, seconds)
    const rows = yield* Effect.mapError(reader.all(prepared.statement, prepared.params), toError)
    return yield* Effect.mapError(decodeRows(rows), unexpected)
  }, Effect.scoped)

  const examine = (prepared: Prepared, question: Question, seconds: number): Effect.Effect<void, QueryError> =>
    Effect.scoped(Effect.flatMap(
      reading(prepared, question, seconds),
      ({ reader, toError }) => Effect.mapError(costOf(reader, prepared), toError)
    ))

  /** From when on rows may still appear: transactions that run now began then or later. */
  const oldest = (entity: string): Effect.Effect<string, QueryError> =>
    Effect.flatMap(
      connected(failure(entity, 0)),
      ({ plain }) =>
        plain.unsafe(oldestTransaction, [marginSeconds]).pipe(
          Effect.mapError(failure(entity, 0)),
          Effect.flatMap((rows) => Effect.mapError(decodeOldest(rows), unexpected)),
          Effect.map(([{ oldest }]) => oldest)
        )
    )

  return { read, open, examine, oldest }
})
