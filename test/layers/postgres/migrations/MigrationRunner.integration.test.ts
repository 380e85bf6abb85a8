import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, Schema } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as SqlClient from "effect/sql/SqlClient"
import { migrations as coreMigrations } from "../../../../src/layers/core/migrations/migrations.ts"
import * as Rows from "../../../../src/layers/postgres/connection/Rows.ts"
import * as MigrationRunner from "../../../../src/layers/postgres/migrations/MigrationRunner.ts"
import type { Migrations } from "../../../../src/layers/postgres/migrations/Migrations.ts"
import * as SqlFiles from "../../../../src/layers/postgres/migrations/SqlFiles.ts"
import { TestDatabase } from "../../../support/TestDatabase.ts"

const layer = Layer.effect(
  SqlClient.SqlClient,
  Effect.flatMap(TestDatabase, ({ url }) => PgClient.make({ url, maxConnections: 4 }))
).pipe(Layer.provide(Reactivity.layer), Layer.provide(TestDatabase.layer))

const first = `-- migrate:up
create table things (id integer);
create function twice(n integer) returns integer language sql as $body$ select n * 2 $body$;
insert into things values (twice(21));
-- migrate:down
drop table things;
drop function twice;
`
const second = `-- migrate:up
alter table things add column note text default 'it''s';
-- migrate:down
alter table things drop column note;
`

const of = (files: Readonly<Record<string, string>>): Migrations => ({
  context: "things",
  table: "things_migrations",
  steps: SqlFiles.steps(files)
})

const old = of({ "0001_first": first })
const present = of({ "0001_first": first, "0002_second": second })

const Column = Schema.Struct({ name: Schema.String })

const schema = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(
    Rows.query(
      Column,
      sql`select table_name || '.' || column_name as name from information_schema.columns
        where table_schema = 'public' and table_name not like '%migrations' order by 1`
    ),
    (rows) => rows.map(({ name }) => name)
  ))

describe("MigrationRunner", () => {
  it.live("brings an empty database and an older one to the present version, once", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* MigrationRunner.standing(present)).pending, ["0001_first", "0002_second"])
      assert.deepStrictEqual(yield* MigrationRunner.migrate(old), ["0001_first"])
      assert.deepStrictEqual(yield* MigrationRunner.migrate(present), ["0002_second"])
      assert.deepStrictEqual(yield* MigrationRunner.migrate(present), [])
      const sql = yield* SqlClient.SqlClient
      assert.deepStrictEqual(yield* sql`select * from things`, [{ id: 42, note: "it's" }])
    }).pipe(Effect.provide(layer)))

  it.live("lets one of many programs at once do it", () =>
    Effect.gen(function*() {
      const done = yield* Effect.all([1, 2, 3, 4].map(() => MigrationRunner.migrate(present)), { concurrency: 4 })
      assert.deepStrictEqual(done.flat(), ["0001_first", "0002_second"])
    }).pipe(Effect.provide(layer)))

  it.live("refuses a newer database, and leaves it as it is", () =>
    Effect.gen(function*() {
      yield* MigrationRunner.migrate(present)
      const error = yield* Effect.flip(MigrationRunner.migrate(old))
      assert.strictEqual(error.message, "the database is of a newer version: things does not know its 0002_second")
      assert.deepStrictEqual(yield* schema, ["things.id", "things.note"])
    }).pipe(Effect.provide(layer)))

  it.live("applies nothing of a run in which a step fails", () =>
    Effect.gen(function*() {
      const broken = of({
        "0001_first": first,
        "0002_broken": "-- migrate:up\nalter table nothing add column a text;\n"
      })
      const error = yield* Effect.flip(MigrationRunner.migrate(broken))
      assert.strictEqual(error.message, "migration 0002_broken of things failed: relation \"nothing\" does not exist")
      assert.deepStrictEqual(yield* schema, [])
    }).pipe(Effect.provide(layer)))

  it.live("goes back step by step, and says where there is no way back", () =>
    Effect.gen(function*() {
      yield* MigrationRunner.migrate(present)
      assert.deepStrictEqual(yield* MigrationRunner.revert(present, 1), ["0002_second"])
      assert.deepStrictEqual(yield* schema, ["things.id"])
      assert.deepStrictEqual(yield* MigrationRunner.revert(present, 0), ["0001_first"])
      assert.deepStrictEqual(yield* schema, [])
      const oneWay = of({ "0001_one": "create table things (id integer)" })
      yield* MigrationRunner.migrate(oneWay)
      const error = yield* Effect.flip(MigrationRunner.revert(oneWay, 0))
      assert.strictEqual(error.message, "migration 0001_one of things has no way back")
    }).pipe(Effect.provide(layer)))

  it.live("has a way back for each of core's own, which leaves nothing", () =>
    Effect.gen(function*() {
      yield* MigrationRunner.migrate(coreMigrations)
      assert.include(yield* schema, "service_state.partition")
      yield* MigrationRunner.revert(coreMigrations, 0)
      assert.deepStrictEqual(yield* schema, [])
      yield* MigrationRunner.migrate(coreMigrations)
    }).pipe(Effect.provide(layer)))

  it.live("fails, and is no defect, when the connection breaks in a step", () =>
    Effect.gen(function*() {
      const hangUp = of({ "0001_hang_up": "-- migrate:up\nselect pg_terminate_backend(pg_backend_pid())" })
      const exit = yield* Effect.exit(MigrationRunner.migrate(hangUp))
      assert.isTrue(Exit.isFailure(exit) && !Cause.hasDies(exit.cause))
    }).pipe(Effect.provide(layer)))
})
