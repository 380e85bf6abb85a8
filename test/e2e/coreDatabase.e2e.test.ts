/** Core at a database that it cannot use. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

/** Beside the test's own, which it is made from. */
const latin = Effect.fnUntraced(function*() {
  const { url } = yield* TestDatabase
  const sql = yield* PgClient.make({ url, maxConnections: 1 })
  const address = new URL(Redacted.value(url))
  const name = `${address.pathname.slice(1)}_latin`
  yield* Effect.acquireRelease(
    sql`create database ${sql(name)} encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0`,
    () => Effect.ignore(sql`drop database if exists ${sql(name)} with (force)`)
  )
  address.pathname = `/${name}`
  return { url: address.href, sql: yield* PgClient.make({ url: Redacted.make(address.href), maxConnections: 1 }) }
}, Effect.provide(Reactivity.layer))

layer(TestDatabase.layer, { excludeTestServices: true, timeout: "60 seconds" })(
  "A database in another encoding",
  (it) => {
    it.effect("is refused by core and by `db migrate`, and nothing is made in it", () =>
      Effect.gen(function*() {
        const { sql, url } = yield* latin()
        const env = { DATABASE_URL: url }
        const words = "the encoding of the database is LATIN1, expected UTF8"
        const config = path.join(yield* temporaryFolder, "core.json")
        const [grpc, http] = [yield* Program.freePort, yield* Program.freePort]
        const text = { listen_addr: `127.0.0.1:${http}`, grpc_addr: `127.0.0.1:${grpc}` }
        yield* Effect.promise(() => fs.writeFile(config, JSON.stringify(text)))
        const core = yield* Program.start(["core", "--config", config], { env })
        assert.notStrictEqual(yield* Effect.timeout(core.exited, "40 seconds"), 0, core.output())
        assert.include(core.output(), words)
        const migrate = yield* Program.start(["db", "migrate"], { env })
        assert.strictEqual(yield* migrate.exited, 2, migrate.output())
        assert.include(migrate.output(), words)
        const left = yield* sql`select from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`
        assert.lengthOf(left, 0)
      }), { timeout: 90_000 })
  }
)
