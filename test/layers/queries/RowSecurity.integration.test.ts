import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option, Result, Schema } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as SqlClient from "effect/sql/SqlClient"
import { coreCatalog } from "../../../src/domain/core/CoreCatalog.ts"
import { tableNames } from "../../../src/domain/events/storing/TablePolicy.ts"
import { rowRules } from "../../../src/domain/queries/RowRules.ts"
import * as Catalog from "../../../src/domain/srql/catalog/Catalog.ts"
import * as EventMigrations from "../../../src/layers/events/store/migrations/migrations.ts"
import { DatabaseEndpoint } from "../../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import { PgConnection } from "../../../src/layers/postgres/connection/PgConnection.ts"
import * as Rows from "../../../src/layers/postgres/connection/Rows.ts"
import * as RowSecurity from "../../../src/layers/postgres/connection/RowSecurity.ts"
import * as MigrationRunner from "../../../src/layers/postgres/migrations/MigrationRunner.ts"
import * as PgQueries from "../../../src/layers/queries/PgQueries.ts"
import { Queries } from "../../../src/services/queries/Queries.ts"
import { question, worked } from "../../domain/queries/questions.ts"
import { generator } from "../../domain/srql/language/queries.ts"
import * as Program from "../../support/Program.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"
import { fill, makeRollups, makeSettings, stored, tableOf } from "./tables.ts"

/** Tables of both tenants are in `public`; those of one of them, alone, in a schema of its own. */
const aloneSchema = "of_odd_alone"

const connected = Layer.effectDiscard(Effect.gen(function*() {
  const connection = yield* PgConnection
  yield* Effect.forkScoped(connection.keep)
  yield* Program.eventually("a connection", Effect.option(connection.client), { within: "20 seconds", programs: [] })
}))

const connection = (searchPath: string) =>
  connected.pipe(
    Layer.provideMerge(
      Layer.unwrap(Effect.map(TestDatabase, ({ url }) =>
        PgConnection.layer({ maxConnections: 2, parameters: { search_path: searchPath } }).pipe(
          Layer.provide(DatabaseEndpoint.layer(Option.some(url)))
        )))
    ),
    Layer.fresh
  )

const asker = (catalog: Catalog.Catalog, searchPath: string) =>
  Layer.fresh(PgQueries.layer({ catalog, rules: rowRules })).pipe(Layer.provide(connection(searchPath)))

/** As if the planner knew nothing of tenants. */
const blind = Catalog.make(coreCatalog.entities.map((entity) => ({ ...entity, tenant: null })))

const client = Layer.effect(
  PgClient.PgClient,
  Effect.flatMap(TestDatabase, ({ url }) => PgClient.make({ url, maxConnections: 1 }))
).pipe(Layer.provide(Reactivity.layer), Layer.provideMerge(TestDatabase.layer))

const asked = (count: number): ReadonlyArray<string> => {
  const random = generator(17)
  return [...worked, ...Array.from({ length: count }, () => question(random))]
}

/** Rows of one moment come in any order, and rates and the newest rows depend on it. */
const atMomentsOfTheirOwn = Effect.gen(function*() {
  const sql = yield* PgClient.PgClient
  for (const entity of stored) {
    const time = entity.columns.find(({ name }) => name === "timestamp" || name === "time")?.name
    if (time === undefined) continue
    const moment = `coalesce(${time}, '2026-03-04T18:00:00Z') + row_number_ * interval '1 s'`
    yield* sql.unsafe(`update ${tableOf(entity)} set ${time} = ${moment}`)
  }
})

const answers = (texts: ReadonlyArray<string>, tenant: string | null) =>
  Effect.gen(function*() {
    const queries = yield* Queries
    const rows: Array<string> = []
    for (const text of texts) {
      const page = yield* Effect.result(queries.page({ text, style: "service", tenant, limit: 100 }))
      rows.push(Result.match(page, {
        onFailure: ({ message }) => message,
        onSuccess: (page) => [...page.rows].sort().join("\n")
      }))
    }
    return rows
  })

const Secured = Schema.Struct({ name: Schema.String })
const Role = Schema.Struct({ login: Schema.Boolean, superuser: Schema.Boolean, bypasses: Schema.Boolean })
const Count = Schema.Struct({ count: Schema.Int })

const count = (statement: string) =>
  Effect.flatMap(
    PgClient.PgClient,
    (sql) => Effect.map(Rows.query(Count, sql.unsafe(statement)), ([row]) => row?.count)
  )

layer(client, { excludeTestServices: true, timeout: "60 seconds" })("Rows of tenants", (it) => {
  it.effect("are kept apart in every table that the event writer makes, by a role that cannot bypass it", () =>
    Effect.gen(function*() {
      const sql = yield* PgClient.PgClient
      yield* sql`create schema platform`
      yield* Effect.provideService(
        MigrationRunner.migrate(EventMigrations.migrations("platform")),
        SqlClient.SqlClient,
        sql
      )
      const secured = yield* Rows.query(
        Secured,
        sql`select relname as name from pg_class where relnamespace = 'platform'::regnamespace and relrowsecurity
          and relforcerowsecurity order by 1`
      )
      assert.deepStrictEqual(
        secured.map(({ name }) => name),
        [...tableNames, "event_writer_trace_summaries"].sort()
      )
      const roles = yield* Rows.query(
        Role,
        sql`select rolcanlogin as login, rolsuper as superuser, rolbypassrls as bypasses from pg_roles
          where rolname = ${RowSecurity.role}`
      )
      assert.deepStrictEqual(roles, [{ login: false, superuser: false, bypasses: false }])
    }))

  it.effect("are nobody's for the role of queries when no tenant is named, and one's when the owner names it", () =>
    Effect.gen(function*() {
      const sql = yield* PgClient.PgClient
      const owner = `owner_${generator(Date.now())(1e9)}`
      yield* sql.unsafe(`create role ${owner} nosuperuser`)
      yield* sql.unsafe(`create schema owned authorization ${owner}`)
      yield* Effect.gen(function*() {
        yield* sql.unsafe(`set role ${owner}`)
        yield* sql.unsafe("create table owned.things (tenant_id text, n integer)")
        yield* Effect.provideService(RowSecurity.separate("owned", ["things"]), SqlClient.SqlClient, sql)
        // The writer names no tenant.
        yield* sql.unsafe("insert into owned.things values ('even', 1), ('odd', 2), ('odd', 3)")
        assert.strictEqual(yield* count("select count(*)::int as count from owned.things"), 3)
        yield* sql.unsafe(`set ${RowSecurity.setting} = 'odd'`)
        assert.strictEqual(yield* count("select count(*)::int as count from owned.things"), 2)
        const others = yield* Effect.flip(sql.unsafe("insert into owned.things values ('even', 4)"))
        assert.include(String(others.reason.cause), "row-level security")
        yield* sql.unsafe("reset role")
        yield* sql.unsafe(`set role ${RowSecurity.role}`)
        assert.strictEqual(yield* count("select count(*)::int as count from owned.things"), 2)
        yield* sql.unsafe(`reset ${RowSecurity.setting}`)
        assert.strictEqual(yield* count("select count(*)::int as count from owned.things"), 0)
      }).pipe(
        Effect.ensuring(Effect.ignore(Effect.forEach(
          ["reset role", `reset ${RowSecurity.setting}`, "drop schema owned cascade", `drop role ${owner}`],
          (statement) => sql.unsafe(statement)
        )))
      )
    }))

  it.effect(
    "are never seen by another tenant's questions, also when the planner does not ask for the tenant",
    () =>
      Effect.gen(function*() {
        const sql = yield* PgClient.PgClient
        const random = generator(23)
        for (const entity of stored) yield* fill(entity, random, 40)
        yield* atMomentsOfTheirOwn
        yield* makeSettings
        yield* makeRollups
        const rollups = ["logs_severity_stats_5m", "traces_stats_5m", "services_availability_5m"]
        const tables = [...stored.map(tableOf), ...rollups, "interface_settings"]
        yield* sql.unsafe(`create schema ${aloneSchema}`)
        for (const table of tables) {
          yield* sql.unsafe(`create table ${aloneSchema}.${table} as select * from ${table} where tenant_id = 'odd'`)
        }
        const texts = asked(600)
        const alone = yield* answers(texts, null).pipe(Effect.provide(asker(coreCatalog, aloneSchema)))
        assert.isAbove(alone.filter((text) => text.startsWith("{")).length, 300)

        // Nothing but the planner keeps them apart.
        yield* sql.unsafe(`grant select on all tables in schema public to ${RowSecurity.role}`)
        const planned = yield* answers(texts, "odd").pipe(Effect.provide(asker(coreCatalog, "public")))
        const mixed = yield* answers(texts, "odd").pipe(Effect.provide(asker(blind, "public")))
        for (const [at, text] of texts.entries()) assert.strictEqual(planned[at], alone[at], text)
        assert.isAbove(mixed.filter((answer, at) => answer !== alone[at]).length, 300)

        yield* Effect.provideService(RowSecurity.separate("public", tables), SqlClient.SqlClient, sql)
        for (const catalog of [coreCatalog, blind]) {
          const separated = yield* answers(texts, "odd").pipe(Effect.provide(asker(catalog, "public")))
          for (const [at, text] of texts.entries()) assert.strictEqual(separated[at], alone[at], text)
        }
      }),
    120_000
  )
})
