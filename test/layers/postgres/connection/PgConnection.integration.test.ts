import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Option, Redacted } from "effect"
import { migrations } from "../../../../src/layers/core/migrations/migrations.ts"
import { DatabaseEndpoint } from "../../../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import { PgConnection, type PgConnectionOptions } from "../../../../src/layers/postgres/connection/PgConnection.ts"
import { eventually } from "../../../support/Program.ts"
import * as TestConnection from "../../../support/TestConnection.ts"
import { TestDatabase } from "../../../support/TestDatabase.ts"

const connected = (options: PgConnectionOptions) =>
  TestConnection.keeping.pipe(
    Layer.provideMerge(PgConnection.layer(options)),
    Layer.provide(Layer.unwrap(Effect.map(TestDatabase, ({ url }) => DatabaseEndpoint.layer(Option.some(url))))),
    Layer.provide(TestDatabase.layer)
  )

/** With one connection, and the address to be changed. */
const connectedSomewhere = TestConnection.keeping.pipe(
  Layer.provideMerge(PgConnection.layer({ maxConnections: 1 })),
  Layer.provideMerge(Layer.unwrap(Effect.map(TestDatabase, ({ url }) => DatabaseEndpoint.layer(Option.some(url))))),
  Layer.provideMerge(TestDatabase.layer)
)

const tables = Effect.gen(function*() {
  const sql = yield* (yield* PgConnection).client
  const found = yield* sql<{ name: string }>`
    select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1`
  return found.map(({ name }) => name)
})

describe("PgConnection", () => {
  it.live("applies the migrations that it was given", () =>
    Effect.gen(function*() {
      assert.includeMembers([...yield* tables], ["service_state", "serviceradar_migrations"])
    }).pipe(Effect.provide(connected({ migrations: [migrations] }))))

  it.live("makes no table without migrations", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* tables, [])
    }).pipe(Effect.provide(connected({}))))

  it.live("gives its sessions their name and settings", () =>
    Effect.gen(function*() {
      const sql = yield* (yield* PgConnection).client

      const [settings] = yield* sql`
        select current_setting('application_name') as name, current_setting('statement_timeout') as statement,
          current_setting('idle_in_transaction_session_timeout') as idle, current_setting('work_mem') as memory`

      assert.deepStrictEqual(settings, { name: "writer", statement: "7s", idle: "1min", memory: "8MB" })
    }).pipe(
      Effect.provide(connected({
        applicationName: "writer",
        parameters: { statement_timeout: "7s", work_mem: "8MB" }
      }))
    ))

  it.live("lets calls on the old address end when the database moves", () =>
    Effect.gen(function*() {
      const endpoint = yield* DatabaseEndpoint
      const { url } = yield* TestDatabase
      const connection = yield* PgConnection
      const before = yield* connection.client
      const release = yield* Deferred.make<void>()
      const working = yield* Effect.forkChild(
        Effect.scoped(Effect.andThen(before.reserve, Deferred.await(release))),
        { startImmediately: true }
      )
      const waiting = yield* Effect.forkChild(before`select 1 as one`, { startImmediately: true })

      yield* endpoint.publish(Redacted.make(`${Redacted.value(url)}?application_name=moved`))
      yield* eventually(
        "the new address is used",
        Effect.map(Effect.option(connection.client), Option.filter((now) => now !== before)),
        { within: "10 seconds" }
      )
      yield* Deferred.succeed(release, undefined)
      yield* Fiber.join(working)

      assert.deepStrictEqual(yield* Fiber.join(waiting), [{ one: 1 }])
    }).pipe(Effect.provide(connectedSomewhere)))
})
