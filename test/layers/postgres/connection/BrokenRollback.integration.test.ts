import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import type * as SqlClient from "effect/sql/SqlClient"
import * as BrokenRollback from "../../../../src/layers/postgres/connection/BrokenRollback.ts"
import { TestDatabase } from "../../../support/TestDatabase.ts"

const layer = Layer.mergeAll(TestDatabase.layer, Reactivity.layer)

const client = Effect.flatMap(TestDatabase, ({ url }) => PgClient.make({ url, maxConnections: 1 }))

/** Ends the connection that it runs on, as the death of the server does. */
const hangUp = (sql: SqlClient.SqlClient) => sql`select pg_terminate_backend(pg_backend_pid())`

/** Kinds of everything that an effect ended with. */
const reasonsOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(
    Effect.exit(effect),
    (exit) => Exit.isFailure(exit) ? exit.cause.reasons.map((reason) => reason._tag) : ["Success"]
  )

describe("BrokenRollback", () => {
  it.live("is a failure when the connection breaks in a transaction", () =>
    Effect.gen(function*() {
      const sql = yield* client

      assert.deepStrictEqual(
        yield* reasonsOf(BrokenRollback.asFailure(sql.withTransaction(hangUp(sql)))),
        ["Fail"]
      )
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.effect("leaves other defects what they are", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(BrokenRollback.asFailure(Effect.die("a bug")))

      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
    }))
})
