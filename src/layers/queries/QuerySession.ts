/**
 * What a query is run by: a session of the pool, whose defaults are enough, or a transaction in one, where it is a tenant's or has
 * other limits.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, Option, Schema, type Scope, type Stream } from "effect"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import * as RowSecurity from "../postgres/connection/RowSecurity.ts"

const Explained = Schema.Struct({ Plan: Schema.Struct({ "Total Cost": Schema.Finite }) })
const decodeExplained = Schema.decodeUnknownOption(Schema.Tuple([
  Schema.Struct({
    "QUERY PLAN": Schema.Union([Schema.fromJsonString(Schema.Array(Explained)), Schema.Array(Explained)])
  })
]))

export interface Statement {
  readonly statement: string
  readonly params: ReadonlyArray<unknown>
}

/** What a statement is run by: a session of the pool, whose defaults are enough, or one within a transaction. */
export interface Reader {
  readonly all: (statement: string, params: ReadonlyArray<unknown>) => Effect.Effect<ReadonlyArray<unknown>, SqlError>
  /** Not remembered by the server. */
  readonly once: (statement: string, params: ReadonlyArray<unknown>) => Effect.Effect<ReadonlyArray<unknown>, SqlError>
  /** As they come. */
  readonly pieces: (statement: string, params: ReadonlyArray<unknown>) => Stream.Stream<unknown, SqlError>
}

export const ofSession = (client: PgClient.PgClient): Reader => ({
  all: (statement, params) => client.unsafe(statement, params),
  once: (statement, params) => client.unsafe(statement, params).unprepared,
  pieces: (statement, params) => client.unsafe(statement, params).stream
})

const ofConnection = (connection: Connection): Reader => ({
  all: (statement, params) => connection.execute(statement, params, undefined),
  once: (statement, params) => connection.executeUnprepared(statement, params, undefined),
  pieces: (statement, params) => connection.executeStream(statement, params, undefined)
})

export interface Setting {
  readonly timeoutSeconds: number
  readonly tenant: string | null
  /** Several processes for one query: only when it is alone. */
  readonly isAlone: boolean
}

const settings = "SELECT set_config('statement_timeout', $1, true)"
const ofOneProcess = ", set_config('max_parallel_workers_per_gather', '0', true)"
const ofTenant = `, set_config('${RowSecurity.setting}', $2, true), ${RowSecurity.takeRole}`

/** A session within a transaction that ends with the scope and has changed nothing. */
export const transaction = Effect.fnUntraced(function*(
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

/** In units of PostgreSQL's planner. */
export const costOf = (reader: Reader, { params, statement }: Statement): Effect.Effect<number, SqlError> =>
  Effect.map(
    reader.once(`EXPLAIN (FORMAT JSON) ${statement}`, params),
    (rows) =>
      Option.match(decodeExplained(rows), {
        onNone: () => 0,
        onSome: ([{ "QUERY PLAN": plans }]) => plans[0]?.Plan["Total Cost"] ?? 0
      })
  )
