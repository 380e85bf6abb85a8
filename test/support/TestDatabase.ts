/**
 * A fresh database for one test file on the server that all files share, dropped when the layer is released.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Context, Effect, Layer, Redacted } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import type { SqlError } from "effect/sql/SqlError"
import * as crypto from "node:crypto"
import { inject } from "vitest"

/** The address of the database, with superuser rights on the shared server. */
export class TestDatabase extends Context.Service<TestDatabase, {
  readonly url: Redacted.Redacted
}>()("test/support/TestDatabase") {
  static readonly layer = Layer.effect(
    TestDatabase,
    Effect.gen(function*() {
      const serverUrl = inject("postgresUrl")
      const name = `test_${crypto.randomBytes(8).toString("hex")}`
      // A pool that closes with the database opens no connection any more to drop it: it would wait for ever for one, once
      // its own has gone after a minute of doing nothing.
      const run = (statement: (sql: PgClient.PgClient) => Effect.Effect<unknown, SqlError>) =>
        Effect.scoped(
          Effect.flatMap(PgClient.make({ url: Redacted.make(serverUrl), maxConnections: 1 }), statement)
        )
      yield* Effect.acquireRelease(
        run((sql) => sql`create database ${sql(name)}`),
        () =>
          run((sql) => sql`drop database if exists ${sql(name)} with (force)`).pipe(
            Effect.timeout("20 seconds"),
            Effect.ignore
          )
      )
      const url = new URL(serverUrl)
      url.pathname = `/${name}`
      return { url: Redacted.make(url.href) }
    })
  ).pipe(Layer.provide(Reactivity.layer))
}
