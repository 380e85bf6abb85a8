import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { DatabaseEndpoint } from "../../../src/layers/postgres/DatabaseEndpoint.ts"
import { PgConnection, type PgConnectionOptions } from "../../../src/layers/postgres/PgConnection.ts"
import * as TestConnection from "../../support/TestConnection.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"

const connected = (options: PgConnectionOptions) =>
  TestConnection.keeping.pipe(
    Layer.provideMerge(PgConnection.layer(options)),
    Layer.provide(Layer.unwrap(Effect.map(TestDatabase, ({ url }) => DatabaseEndpoint.layer(Option.some(url))))),
    Layer.provide(TestDatabase.layer)
  )

const tables = Effect.gen(function*() {
  const sql = yield* (yield* PgConnection).client
  const found = yield* sql<{ name: string }>`
    select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1`
  return found.map(({ name }) => name)
})

describe("PgConnection", () => {
  it.live("makes core's tables", () =>
    Effect.gen(function*() {
      assert.includeMembers([...yield* tables], ["service_state", "serviceradar_migrations"])
    }).pipe(Effect.provide(connected({}))))

  it.live("makes no table for a program without core", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* tables, [])
    }).pipe(Effect.provide(connected({ hasCoreTables: false }))))

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
})
