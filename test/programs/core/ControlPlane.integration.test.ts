import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as SqlClient from "effect/sql/SqlClient"
import { schema } from "../../../src/domain/records/Schema.ts"
import * as Rows from "../../../src/layers/postgres/connection/Rows.ts"
import * as MigrationRunner from "../../../src/layers/postgres/migrations/MigrationRunner.ts"
import { differences, migrations } from "../../../src/programs/core/ControlPlane.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"

const layer = Layer.effect(
  SqlClient.SqlClient,
  Effect.flatMap(TestDatabase, ({ url }) => PgClient.make({ url, maxConnections: 1 }))
).pipe(Layer.provide(Reactivity.layer), Layer.provide(TestDatabase.layer))

const Name = Schema.Struct({ name: Schema.String })

const left = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(
    Rows.query(
      Name,
      sql`select relname as name from pg_class where relnamespace = ${schema}::regnamespace and relkind in ('r', 'v')
        and relname not like '%migrations' union select proname from pg_proc where pronamespace = ${schema}::regnamespace`
    ),
    (rows) => rows.map(({ name }) => name)
  ))

const forward = Effect.forEach(migrations, MigrationRunner.migrate)

describe("The schema of the control plane", () => {
  it.live("is as the resources declare it, and stands beside tables of the same names", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`create table tenants (id integer)`
      yield* sql`create table api_tokens (id integer)`
      yield* forward
      assert.deepStrictEqual(yield* differences, [])
    }).pipe(Effect.provide(layer)))

  it.live("is told apart from what the resources declare, with what was expected", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* forward
      yield* sql`set search_path to ${sql(schema)}`
      yield* sql`drop view serviceradar_queries.ocsf_devices`
      yield* sql`alter table devices rename column hostname to host_name`
      yield* sql`alter table api_tokens alter column use_count type text`
      yield* sql`create policy open on devices using (true)`
      yield* sql`drop policy rows_of_tenant on device_groups`
      yield* sql`alter table devices drop constraint devices_group_id_fkey`
      yield* sql`alter table devices alter column ip set not null`
      yield* sql`alter table users drop constraint users_email_key`
      yield* sql`alter table sessions no force row level security`
      yield* sql`drop table audit_entries`
      yield* sql`drop trigger users_added on users`
      yield* sql`alter table devices disable trigger devices_removed`
      assert.deepStrictEqual(yield* differences, [
        "users: has no constraint users_email_key on email",
        "api_tokens.use_count: is text, expected bigint",
        "sessions: row-level security is not forced",
        "audit_entries: is missing, for audit-entry",
        "devices: has the policy open, which lets others see its rows",
        "devices: has no foreign key devices_group_id_fkey",
        "devices.hostname: is missing, for hostname of device",
        "devices.ip: cannot be null, but may be",
        "device_groups: has no policy rows_of_tenant",
        "devices: has no trigger devices_removed, or it is off",
        "users: has no trigger users_added, or it is off"
      ])
    }).pipe(Effect.provide(Layer.fresh(layer))))

  it.live("is told to have holes in its second wall, each by itself", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* forward
      yield* sql`set search_path to ${sql(schema)}`
      const told = (statement: string) =>
        sql.withTransaction(Effect.gen(function*() {
          yield* sql.unsafe(statement)
          const found = yield* differences
          return yield* Effect.fail(found)
        })).pipe(Effect.catchIf(Array.isArray, (found) => Effect.succeed(found.map((line) => line.split(":")[0]))))

      assert.deepStrictEqual(yield* differences, [])
      assert.deepStrictEqual(yield* told("alter role serviceradar_app bypassrls"), ["role serviceradar_app"])
      assert.deepStrictEqual(yield* told("alter policy rows_of_asker on devices using (true)"), ["devices"])
      assert.deepStrictEqual(yield* told("alter policy rows_of_tenant on devices using (true)"), ["devices"])
      assert.deepStrictEqual(yield* told("alter policy rows_of_tenant on devices with check (true)"), ["devices"])
      assert.deepStrictEqual(yield* told("grant update, delete on audit_entries to serviceradar_app"), [
        "audit_entries",
        "audit_entries"
      ])
      assert.deepStrictEqual(yield* told("alter table devices drop constraint devices_risk_score_check"), ["devices"])
      assert.deepStrictEqual(
        yield* told(
          "create or replace function serviceradar_sees(tenant uuid) returns boolean language sql stable as 'select true'"
        ),
        ["function serviceradar_sees"]
      )
    }).pipe(Effect.provide(Layer.fresh(layer))))

  it.live("has a way back that leaves nothing, and the way forward again", () =>
    Effect.gen(function*() {
      yield* forward
      assert.include(yield* left, "devices")
      yield* Effect.forEach(migrations.toReversed(), (of) => MigrationRunner.revert(of, 0))
      assert.deepStrictEqual(yield* left, [])
      yield* forward
      assert.include(yield* left, "devices")
    }).pipe(Effect.provide(Layer.fresh(layer))))
})
