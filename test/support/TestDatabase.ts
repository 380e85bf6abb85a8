/**
 * A fresh database for one test file on the server that all files share, dropped when the layer is released.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Context, Effect, Layer, Redacted } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
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
      const sql = yield* PgClient.make({ url: Redacted.make(serverUrl), maxConnections: 1 })
      const name = `test_${crypto.randomBytes(8).toString("hex")}`
      yield* Effect.acquireRelease(
        sql`create database ${sql(name)}`,
        () => Effect.ignore(sql`drop database if exists ${sql(name)} with (force)`)
      )
      const url = new URL(serverUrl)
      url.pathname = `/${name}`
      return { url: Redacted.make(url.href) }
    })
  ).pipe(Layer.provide(Reactivity.layer))
}
