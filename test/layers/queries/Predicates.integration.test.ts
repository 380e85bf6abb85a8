import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Result, Schema } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import { queryCatalog } from "../../../src/domain/queries/QueryCatalog.ts"
import { render } from "../../../src/domain/sql/Sql.ts"
import type { Entity, Field } from "../../../src/domain/srql/catalog/Entity.ts"
import { print } from "../../../src/domain/srql/language/Printer.ts"
import type { Filter, Operator, Query } from "../../../src/domain/srql/language/Query.ts"
import { plan } from "../../../src/domain/srql/plan/Planner.ts"
import * as Rows from "../../../src/layers/postgres/connection/Rows.ts"
import { nowMillis, planOf } from "../../domain/queries/asking.ts"
import { generator } from "../../domain/srql/language/queries.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"
import { passes } from "./reading.ts"
import { postgresTypes, rowsOf } from "./tables.ts"

const span = { start: 0, end: 0 }
const rowCount = 40

const operators: ReadonlyArray<Operator> = [
  "eq",
  "not_eq",
  "like",
  "not_like",
  "in",
  "not_in",
  "gt",
  "gte",
  "lt",
  "lte"
]
const values =
  "a|A|%a%|a_b|_b%||x y|é\"'|name|1|0|-1|1.5|70|true|no|2147483647|10.0.0.0/8|10.0.0.7/24|10.0.0.1-10.0.1.9|0A-1B-2C-%|0A-1B-2C-00-00-01|0b0d7c9e-6a52-4a7e-9c55-2f7a3a5a9d10"
    .split("|")
const lists = [[], ["a"], ["a", "x y"], ["1", "2"], ["0", "-1", "2147483647"]]

const queryOf = (entity: Entity, filter: Filter): Query => ({
  entities: [entity.name],
  entityAt: span,
  filters: [filter],
  order: [],
  limit: rowCount * 2,
  time: null,
  timeAt: span,
  stats: null,
  downsample: null,
  rollup: null,
  having: []
})

const Numbers = Schema.Struct({ row_number_: Schema.Int })

/** Tables with no joins: those of interfaces are tested below. */
const plain = queryCatalog.entities.filter(({ always, latest }) => latest === null && always === null)

const hidden = [{ name: "tags", type: "jsonb" }] as const

const tableOf = (entity: Entity): string => render(entity.from).text

const columnsOf = (entity: Entity) => entity.name === "devices" ? [...entity.columns, ...hidden] : entity.columns

/** What the reading looks at: a column, or a path into one. */
const stored = (row: Readonly<Record<string, unknown>>, field: Field): unknown => {
  const [of = "", key] = field.name.split(".")
  const value = row[of]
  if (key === undefined) return value
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined
}

const client = Layer.effect(
  PgClient.PgClient,
  Effect.flatMap(TestDatabase, ({ url }) => PgClient.make({ url, maxConnections: 1 }))
).pipe(Layer.provide(Reactivity.layer), Layer.provide(TestDatabase.layer))

const fill = Effect.fnUntraced(function*(entity: Entity, random: (bound: number) => number) {
  const sql = yield* PgClient.PgClient
  const columns = columnsOf(entity)
  const table = tableOf(entity)
  const rows = rowsOf(entity, columns, random, rowCount)
  yield* sql.unsafe(
    `create table ${table} (row_number_ integer, tenant_id text, ${
      columns.map(({ name, type }) => `"${name}" ${postgresTypes[type]}`).join(", ")
    })`
  )
  yield* sql.unsafe(`insert into ${table} select * from jsonb_populate_recordset(null::${table}, $1::text::jsonb)`, [
    JSON.stringify(rows)
  ])
  return rows
})

layer(client, { excludeTestServices: true, timeout: "60 seconds" })("Predicates on PostgreSQL", (it) => {
  it.effect(
    "answer what a plain reading of the rules answers, for every field, operator and tenant",
    () =>
      Effect.gen(function*() {
        const sql = yield* PgClient.PgClient
        const random = generator(7)
        let cases = 0
        for (const entity of plain) {
          const rows = yield* fill(entity, random)
          for (const field of new Set(entity.fields.values())) {
            for (const op of operators) {
              for (const value of op === "in" || op === "not_in" ? lists : values) {
                const asked = [value].flat()
                const filter = { field: field.name, op, value, key: span, at: span }
                const tenant = random(2) === 0 ? null : "odd"
                const query = queryOf(entity, filter)
                const planned = plan(query, queryCatalog, { tenant, nowMillis })
                if (Result.isFailure(planned)) continue
                const text = planned.success.sql.replace(/^SELECT .*? FROM /, "SELECT row_number_ FROM ")
                const found = yield* Rows.query(Numbers, sql.unsafe(text, planned.success.binds.map(({ v }) => v)))
                const expected = rows.filter((row) =>
                  (tenant === null || row["tenant_id"] === tenant) && passes(field, stored(row, field), op, asked)
                )
                const said = `${print(query)} for ${tenant}: ${planned.success.sql} ${
                  JSON.stringify(planned.success.binds)
                }`
                assert.deepStrictEqual(
                  found.map(({ row_number_ }) => row_number_).sort((a, b) => a - b),
                  expected.map((row) => Number(row["row_number_"])),
                  said
                )
                cases += rows.length
              }
            }
          }
        }
        assert.isAbove(cases, 20_000)
      }),
    120_000
  )

  it.effect("and all other statements are ones that PostgreSQL runs", () =>
    Effect.gen(function*() {
      const sql = yield* PgClient.PgClient
      const interfaces = queryCatalog.entity("interfaces")
      if (interfaces === undefined) return assert.fail("interfaces is no entity")
      yield* sql.unsafe(
        `create table discovered_interfaces (tenant_id text, ${
          interfaces.columns.map(({ name, type }) => `"${name}" ${postgresTypes[type]}`).join(", ")
        })`
      )
      yield* sql.unsafe(
        "create table interface_settings (device_id text, interface_uid text, favorited boolean, metrics_enabled boolean)"
      )
      yield* sql.unsafe(
        `insert into discovered_interfaces (device_id, interface_uid, timestamp, mtu) values
          ('d', 'e0', now(), 1), ('d', 'e0', now() - interval '1 h', 2), ('d', 'e1', now(), 1)`
      )
      const ask = Effect.fnUntraced(function*(text: string, options = {}) {
        const { binds, sql: statement } = Result.getOrThrow(planOf(text, { nowMillis: Date.now(), ...options }))
        return yield* sql.unsafe(statement, binds.map(({ v }) => v))
      })
      assert.lengthOf(yield* ask("in:interfaces"), 3)
      assert.lengthOf(yield* ask("in:interfaces latest:true mtu:1 sort:if_index:asc"), 2)
      assert.deepStrictEqual(yield* ask("in:interfaces latest:true stats:count() as total"), [{
        payload: { total: 2 }
      }])
      for (
        const text of [
          "in:interfaces mac:0A-1B-% ip_addresses:a speed:100 favorited:true",
          "in:devices stats:\"count() as n by vendor\" !model:x having:n>=1 sort:n:asc",
          "in:logs stats:\"count() as n, group_uniq_array(severity) as levels\" time:last_1h",
          "in:trace_summaries stats:\"sum(if(status_code != 1,1,0)) as bad, sum(if(duration_ms > 250.5,1,0)) as slow\"",
          "in:cpu time:last_1h stats:\"avg(usage_percent) as load, p95(usage_percent), count_distinct(host_id) as h by device_id\"",
          "in:cpu time:last_1h bucket:5m agg:rate series:core_id",
          "in:memory time:last_24h bucket:15m agg:max value_field:used_bytes series:uid uid:(d1,d2)",
          "in:snmp time:last_1h bucket:30s agg:count if_index:3",
          "in:snmp if_index:3 value:>=1000",
          "in:devices metadata.a:x tags.b:y time:last_1h"
        ]
      ) {
        yield* ask(text, { tenant: "t" })
      }
    }))

  it.effect("and pages after a row hold each row once, in order, nulls and equals included", () =>
    Effect.gen(function*() {
      const sql = yield* PgClient.PgClient
      const Page = Schema.Struct({
        gateway_id: Schema.NullOr(Schema.String),
        _cursor: Schema.Array(Schema.NullOr(Schema.String))
      })
      yield* sql.unsafe("delete from gateways")
      yield* sql.unsafe(
        "insert into gateways (gateway_id, status, agent_count) select 'g' || n, case n % 3 when 0 then null when 1 then 'up' else 'down' end, case n % 2 when 0 then null else n % 5 end from generate_series(1, 50) n"
      )
      const seen: Array<string> = []
      let cursor:
        | { readonly _tag: "Keyset"; readonly order: string; readonly after: ReadonlyArray<string | null> }
        | undefined
      for (let pages = 0; pages < 20; pages++) {
        const planned = Result.getOrThrow(
          planOf("in:gateways sort:status:asc,agent_count:desc limit:7", {
            withKeyset: true,
            ...(cursor === undefined ? {} : { cursor })
          })
        )
        const rows = yield* Rows.query(Page, sql.unsafe(planned.sql, planned.binds.map(({ v }) => v)))
        seen.push(...rows.map(({ gateway_id }) => gateway_id ?? ""))
        const last = rows.at(-1)
        if (last === undefined) break
        cursor = { _tag: "Keyset", order: planned.order, after: last._cursor }
      }
      const whole = Result.getOrThrow(planOf("in:gateways sort:status:asc,agent_count:desc", { withKeyset: true }))
      const all = yield* Rows.query(Page, sql.unsafe(whole.sql, whole.binds.map(({ v }) => v)))
      assert.lengthOf(new Set(seen), 50)
      assert.deepStrictEqual(seen, all.map(({ gateway_id }) => gateway_id ?? ""))
    }))
})
