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

/** A transaction that ends with the scope and has changed nothing. */
const begin = Effect.fnUntraced(function*(
  connection: Connection,
  { isAlone, tenant, timeoutSeconds }: Setting,
  more = ""
) {
  yield* Effect.acquireRelease(
    connection.execute("BEGIN TRANSACTION READ ONLY", [], undefined),
    () => Effect.ignore(connection.execute("ROLLBACK", [], undefined))
  )
  yield* connection.execute(
    `${settings}${isAlone ? "" : ofOneProcess}${tenant === null ? "" : ofTenant}${more}`,
    [`${timeoutSeconds * 1000}`, ...(tenant === null ? [] : [tenant])],
    undefined
  )
})

/** A session within a transaction. */
export const transaction = Effect.fnUntraced(function*(
  client: PgClient.PgClient,
  setting: Setting
): Effect.fn.Return<Reader, SqlError, Scope.Scope> {
  const connection = yield* client.reserve
  yield* begin(connection, setting)
  return ofConnection(connection)
})

/** Rows that are taken a few at a time, at their reader's pace. */
export interface Cursor {
  /** Fewer than these when there are no more. */
  readonly next: (count: number) => Effect.Effect<ReadonlyArray<unknown>, SqlError>
  /**
   * Has the server compute what is left and put it aside, on its disk. Until then it keeps all that others replace, in every table,
   * for what this transaction may still read.
   */
  readonly putAside: Effect.Effect<void, SqlError>
}

/** All rows are wanted, not the first ones soon. Who takes none for so long has left. */
const ofCursor =
  ", set_config('cursor_tuple_fraction', '1', true), set_config('idle_in_transaction_session_timeout', $1, true)"

/** Until the scope closes. */
export const cursor = Effect.fnUntraced(function*(
  client: PgClient.PgClient,
  setting: Setting,
  { params, statement }: Statement
): Effect.fn.Return<Cursor, SqlError, Scope.Scope> {
  let isAside = false
  const connection = yield* client.reserve
  const once = (text: string, values: ReadonlyArray<unknown> = []) =>
    connection.executeUnprepared(text, values, undefined)
  // After the end of the transaction, which what was put aside outlives.
  yield* Effect.addFinalizer(() => isAside ? Effect.ignore(once("CLOSE ALL")) : Effect.void)
  yield* begin(connection, setting, ofCursor)
  yield* once(`DECLARE answer NO SCROLL CURSOR WITH HOLD FOR ${statement}`, params)
  return {
    next: (count) => once(`FETCH FORWARD ${Math.floor(count)} FROM answer`),
    putAside: Effect.suspend(() => {
      isAside = true
      return once("COMMIT")
    })
  }
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
