/** Core as managed databases let it in: by a role of its own, which may make roles and is no superuser. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted, Schedule } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as SqlClient from "effect/sql/SqlClient"
import { exposed } from "../../../src/domain/core/PublicResources.ts"
import { application } from "../../../src/domain/records/Schema.ts"
import { DatabaseEndpoint } from "../../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import { PgConnection } from "../../../src/layers/postgres/connection/PgConnection.ts"
import * as EmbeddedPostgres from "../../../src/layers/postgres/server/EmbeddedPostgres.ts"
import * as SchemaCheck from "../../../src/layers/records/SchemaCheck.ts"
import { migrations } from "../../../src/programs/core/ControlPlane.ts"
import { secured } from "../../support/secured.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

describe("A role that may make roles", () => {
  it.live("makes those of core and takes them", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const server = yield* EmbeddedPostgres.start({ home: `${folder}/postgres`, port: 0, durable: false })
      yield* Effect.forkScoped(server.run)
      const owner = yield* PgClient.make({ url: server.url, maxConnections: 1 })
      yield* owner`create role radar login password 'r1' createrole`
      yield* owner`create database radar owner radar`
      const url = new URL(Redacted.value(server.url))
      url.username = "radar"
      url.password = "r1"
      url.pathname = "/radar"
      const connection = PgConnection.layer({ migrations, application }).pipe(
        Layer.provide(DatabaseEndpoint.layer(Option.some(Redacted.make(url.href)))),
        Layer.provide(secured)
      )
      yield* Effect.gen(function*() {
        const { application: sessions, client, keep } = yield* PgConnection
        yield* Effect.forkScoped(keep)
        const of = yield* sessions.pipe(Effect.retry(Schedule.spaced("50 millis")), Effect.timeout("30 seconds"))
        assert.deepStrictEqual(yield* of`select current_user as name`, [{ name: application.role }])
        const own = yield* client
        const found = SchemaCheck.differences(exposed.map(({ definition }) => definition))
        const check = Effect.provideService(found, SqlClient.SqlClient, own)
        assert.deepStrictEqual(yield* check, [])
        yield* own`revoke serviceradar_app from radar granted by radar`
        assert.deepStrictEqual(yield* check, [
          "role serviceradar_app: cannot be taken by radar: grant serviceradar_app to radar"
        ])
      }).pipe(Effect.provide(connection))
    }).pipe(Effect.provide(Reactivity.layer), Effect.provide(secured), Effect.scoped), 90_000)
})
