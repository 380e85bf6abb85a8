import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Result, Schema } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import { coreCatalog } from "../../../src/domain/core/CoreCatalog.ts"
import { sql as template } from "../../../src/domain/sql/Sql.ts"
import type { Entity, Field } from "../../../src/domain/srql/catalog/Entity.ts"
import { print } from "../../../src/domain/srql/language/Printer.ts"
import type { Filter, Operator, Query, TimeFilter } from "../../../src/domain/srql/language/Query.ts"
import type { Plan } from "../../../src/domain/srql/plan/Plan.ts"
import { plan } from "../../../src/domain/srql/plan/Planner.ts"
import * as Rows from "../../../src/layers/postgres/connection/Rows.ts"
import { nowMillis, planOf, rowEntities } from "../../domain/queries/asking.ts"
import { generator } from "../../domain/srql/language/queries.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"
import { passes } from "./reading.ts"
import { fill, makeSettings, stored as entities, type StoredRow } from "./tables.ts"

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
  "a|A|%a%|a_b|_b%||x y|é\"'|name|1|0|-1|1.5|70|true|no|2147483647|10.0.0.0/8|10.0.0.7/24|10.0.0.1-10.0.1.9|2001:db8::/32|::ffff:10.0.0.0/124|::ffff:0:0/96|0A-1B-2C-%|0A-1B-2C-00-00-01|0b0d7c9e-6a52-4a7e-9c55-2f7a3a5a9d10"
    .split("|")
const lists = [[], ["a"], ["a", "x y"], ["1", "2"], ["0", "-1", "2147483647"]]

const queryOf = (entity: Entity, filters: ReadonlyArray<Filter>, time: TimeFilter | null): Query => ({
  entities: [entity.name],
  entityAt: span,
  filters,
  order: [],
  limit: rowCount * 2,
  time,
  timeAt: span,
  stats: null,
  downsample: null,
  rollup: null,
  having: [],
  overridden: []
})

/** With some keys of each document. */
const fieldsOf = (entity: Entity): ReadonlyArray<Field> => [
  ...new Set(entity.fields.values()),
  ...[...entity.documents.keys()].flatMap((document) =>
    ["name", "a", "type", "none"].map((key): Field => ({
      name: `${document}.${key}`,
      aliases: [],
      class: "json",
      type: "text",
      sql: template``
    }))
  )
]

/** What the reading looks at: a column, or a path into one. */
const storedIn = (row: StoredRow, field: Field): unknown => {
  const [of = "", key] = field.name.split(".")
  const value = row[of]
  if (key === undefined) return value
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined
}

type Random = (bound: number) => number
type Reading = (row: StoredRow) => boolean

interface Case {
  readonly plan: Plan
  readonly said: string
  readonly expected: ReadonlyArray<number>
}

interface Condition {
  readonly filter: Filter
  readonly passes: Reading
}

const conditionsOf = (entity: Entity): ReadonlyArray<Condition> =>
  fieldsOf(entity).flatMap((field) =>
    operators.flatMap((op) =>
      (op === "in" || op === "not_in" ? lists : values).map((value) => {
        const asked = [value].flat()
        return {
          filter: { field: field.name, op, value, key: span, at: span },
          passes: (row: StoredRow) => passes(field, storedIn(row, field), op, asked)
        }
      })
    )
  )

/** By its time each entity is sorted first. */
const timeNames = new Map(coreCatalog.entities.map(({ name, order: [first] }) => [name, first?.[0].name ?? ""]))

const instants = ["2026-03-04T11:59:59Z", "2026-03-04T12:00:00Z", "2026-03-05T12:00:00Z"]

const timeOf = (random: Random): readonly [TimeFilter, (moment: string) => boolean] => {
  const [start = "", end = ""] = [instants[random(3)], instants[random(3)]].sort()
  return [{ type: "absolute", value: { start, end } }, (moment) => moment >= start && moment <= end]
}

const caseOf = (
  entity: Entity,
  rows: ReadonlyArray<StoredRow>,
  random: Random,
  conditions: ReadonlyArray<Condition>,
  time: ReturnType<typeof timeOf> | undefined
): Case | undefined => {
  const tenant = random(2) === 0 ? null : "odd"
  const query = queryOf(entity, conditions.map(({ filter }) => filter), time?.[0] ?? null)
  const planned = plan(query, coreCatalog, { tenant, nowMillis })
  if (Result.isFailure(planned)) return undefined
  const timeColumn = [...entity.columns].find(({ sql }) => sql === entity.time)?.name ?? timeNames.get(entity.name) ??
    ""
  const expected = rows.filter((row) =>
    (tenant === null || row["tenant_id"] === tenant) &&
    conditions.every((condition) => condition.passes(row)) &&
    (time === undefined || (row[timeColumn] !== null && time[1](String(row[timeColumn]))))
  )
  return {
    plan: planned.success,
    said: `${print(query)} for ${tenant}: ${planned.success.sql} ${JSON.stringify(planned.success.binds)}`,
    expected: expected.map((row) => Number(row["row_number_"]))
  }
}

/** Each alone, then several together, then spans of time. */
const casesOf = (entity: Entity, rows: ReadonlyArray<StoredRow>, random: Random): ReadonlyArray<Case> => {
  const conditions = conditionsOf(entity)
  const planned = conditions.flatMap((condition) => {
    const one = caseOf(entity, rows, random, [condition], undefined)
    return one === undefined ? [] : [{ condition, one }]
  })
  const together = Array.from({ length: 200 }, (_, at) => {
    const some = Array.from({ length: random(3) }, () => planned[random(planned.length)])
    const chosen = some.flatMap((each) => each === undefined ? [] : [each.condition])
    return caseOf(entity, rows, random, chosen, at % 2 === 0 ? timeOf(random) : undefined)
  })
  return [...planned.map(({ one }) => one), ...together.filter((one) => one !== undefined)]
}

const Answered = Schema.Struct({ number: Schema.Int, found: Schema.Array(Schema.Int) })

/** Many questions in one statement, as each by itself would cost its way there and back. */
const together = (cases: ReadonlyArray<Case>): { readonly text: string; readonly binds: ReadonlyArray<unknown> } => {
  const binds: Array<unknown> = []
  const texts = cases.map(({ plan }, at) => {
    const before = binds.length
    binds.push(...plan.binds.map(({ v }) => v))
    const text = plan.sql.replace(
      /^SELECT .*? FROM (\w+( di)?)/,
      (_, from: string, alias: string | undefined) =>
        `SELECT ${alias === undefined ? "" : "di."}row_number_ FROM ${from}`
    )
      .replaceAll(/\$(\d+)/g, (_, number: string) => `$${before + Number(number)}`)
    return `select ${at} as number, coalesce(array_agg(row_number_ order by row_number_), '{}') as found from (${text}) as q`
  })
  return { text: texts.join(" union all "), binds }
}

const inOneStatement = 150

const client = Layer.effect(
  PgClient.PgClient,
  Effect.flatMap(TestDatabase, ({ url }) => PgClient.make({ url, maxConnections: 1 }))
).pipe(Layer.provide(Reactivity.layer), Layer.provide(TestDatabase.layer))

/** As the join sees them. */
const withSettings = Effect.fnUntraced(function*(rows: ReadonlyArray<StoredRow>) {
  const sql = yield* PgClient.PgClient
  const keyOf = (row: StoredRow) => JSON.stringify([row["device_id"], row["interface_uid"]])
  const settings = new Map<string, boolean>()
  for (const row of rows) {
    if (row["device_id"] === null || row["interface_uid"] === null || settings.size > 8) continue
    settings.set(keyOf(row), settings.size % 2 === 0)
  }
  for (const [key, isFavorite] of settings) {
    const [device, uid] = JSON.parse(key)
    yield* sql`insert into interface_settings values ('odd', ${device}, ${uid}, ${isFavorite}, null)`
  }
  return rows.map((row) => ({
    ...row,
    favorited: settings.get(keyOf(row)) ?? false,
    metrics_enabled: false,
    speed_bps: row["speed_bps"] ?? row["if_speed"]
  }))
})

layer(client, { excludeTestServices: true, timeout: "60 seconds" })("Predicates on PostgreSQL", (it) => {
  it.effect(
    "answer what a plain reading of the rules answers, for every field, operator, time and tenant",
    () =>
      Effect.gen(function*() {
        const sql = yield* PgClient.PgClient
        const random = generator(7)
        yield* makeSettings
        let asked = 0
        const tables = new Map<string, ReadonlyArray<StoredRow>>()
        for (const entity of entities) {
          const rows = yield* fill(entity, random, rowCount)
          tables.set(entity.name, entity.latest === null ? rows : yield* withSettings(rows))
        }
        for (const entity of rowEntities) {
          const kind = /^(snmp|rperf)_/.exec(entity.name)?.[1]
          const all = tables.get(kind === undefined ? entity.name : "timeseries_metrics") ?? []
          const rows = all.filter((row) => kind === undefined || row["metric_type"] === kind)
          const cases = casesOf(entity, rows, random)
          for (let from = 0; from < cases.length; from += inOneStatement) {
            const some = cases.slice(from, from + inOneStatement)
            const { binds, text } = together(some)
            const answers = yield* Rows.query(Answered, sql.unsafe(text, binds))
            for (const { found, number } of answers) {
              const one = some[number]
              assert.deepStrictEqual(found, one?.expected, one?.said)
            }
            asked += answers.length
          }
        }
        assert.isAbove(asked, 20_000)
      }),
    120_000
  )

  it.effect("and take for addresses what PostgreSQL does", () =>
    Effect.gen(function*() {
      const sql = yield* PgClient.PgClient
      const random = generator(3)
      const pieces = ["0", "1", "a", "ffff", "12345", "255", "256", "01", "g", "", "10.0.0.1", "1.2.3", "1.2.3.256"]
      const texts = Array.from({ length: 20_000 }, () =>
        Array.from({ length: 1 + random(9) }, () =>
          pieces[random(4) === 0 ? random(pieces.length) : random(4)])
          .join(random(5) === 0 ? "." : ":").replace(/:/, () => random(2) === 0 ? "::" : ":"))
      yield* sql.unsafe("delete from ocsf_devices")
      yield* sql.unsafe("insert into ocsf_devices (uid, ip) select text, text from unnest($1::text[]) text", [texts])
      const found = new Set<string>()
      for (const text of ["in:devices ip:0.0.0.0/0", "in:devices ip:::/0"]) {
        const { binds, sql: statement } = Result.getOrThrow(planOf(`${text} limit:20000`))
        const rows = yield* Rows.query(
          Schema.Struct({ uid: Schema.String }),
          sql.unsafe(
            statement,
            binds.map(({ v }) =>
              v
            )
          )
        )
        for (const { uid } of rows) {
          found.add(uid)
        }
      }
      const known = yield* Rows.query(
        Schema.Struct({ uid: Schema.String }),
        sql.unsafe("select distinct uid from ocsf_devices where pg_input_is_valid(uid, 'inet')")
      )
      // PostgreSQL takes the first bytes of an address for one, and nobody else does.
      const isWhole = (text: string) => {
        const bytes = text.slice(text.lastIndexOf(":") + 1).split(".").length
        return bytes === 4 || (bytes === 1 && text.includes(":"))
      }
      const expected = new Set(known.map(({ uid }) => uid).filter(isWhole))
      assert.isAbove(expected.size, 1_000)
      assert.deepStrictEqual([...found].filter((text) => !expected.has(text)), [])
      assert.deepStrictEqual([...expected].filter((text) => !found.has(text)), [])
    }))

  it.effect("and all other statements are ones that PostgreSQL runs", () =>
    Effect.gen(function*() {
      const sql = yield* PgClient.PgClient
      yield* sql.unsafe("delete from discovered_interfaces")
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
