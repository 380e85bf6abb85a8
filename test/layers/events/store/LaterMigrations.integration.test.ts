/** The writer first, and the existing system's migrations later: ours must not stand in their way. */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import * as PgEventTables from "../../../../src/layers/events/store/PgEventTables.ts"
import { PgConnection } from "../../../../src/layers/postgres/connection/PgConnection.ts"
import { EventTables } from "../../../../src/services/events/EventTables.ts"
import * as TestConnection from "../../../support/TestConnection.ts"

const client = Effect.flatMap(PgConnection, (connection) => connection.client)

const final = fs.readFileSync(path.resolve(import.meta.dirname, "../../../fixtures/tables/final.sql"), "utf8")

/** Their statements, as their migrations have them: nothing that is there is an error. */
const migrations = [
  `create materialized view if not exists platform.otel_trace_summaries as
    select trace_id, max(timestamp) as timestamp from platform.otel_traces group by trace_id`,
  "create unique index if not exists idx_trace_summaries_trace_id on platform.otel_trace_summaries (trace_id)",
  "refresh materialized view platform.otel_trace_summaries",
  `alter table if exists platform.logs add column if not exists observed_timestamp timestamptz,
    add column if not exists trace_flags int, add column if not exists event_name text,
    add column if not exists scope_attributes text, add column if not exists source text`,
  "create index if not exists idx_logs_observed on platform.logs (coalesce(observed_timestamp, timestamp) desc)",
  "create index if not exists idx_ocsf_events_severity on platform.ocsf_events (severity_id)",
  "create index if not exists idx_flow_payload on platform.ocsf_network_activity using gin (ocsf_payload)",
  "drop materialized view if exists platform.otel_trace_summaries"
]

/** `name type …` of each column of a table in a file of statements. */
const columnsIn = (text: string): ReadonlyMap<string, ReadonlyArray<readonly [name: string, type: string]>> =>
  new Map(
    [...text.matchAll(/create table (\w+) \(([\s\S]*?)\n\);/g)].map(([, table = "", body = ""]) => [
      table,
      [...body.matchAll(/^ {2}(\w+) ((?:double precision|[\w[\]]+))/gm)]
        .filter(([, name]) => name !== "primary")
        .map(([, name = "", type = ""]) => [name, type] as const)
    ])
  )

const types: Readonly<Record<string, string>> = {
  timestamptz: "timestamp with time zone",
  "text[]": "text[]",
  int: "integer"
}

layer(PgEventTables.layer().pipe(Layer.provideMerge(TestConnection.layer)), {
  excludeTestServices: true,
  timeout: "30 seconds"
})("Later migrations of the existing system", (it) => {
  it.effect("run on tables that the writer has made, and find their columns there", () =>
    Effect.gen(function*() {
      const sql = yield* client
      yield* EventTables.use((tables) => tables.prepare)

      for (const text of [...final.matchAll(/create table [\s\S]*?\n\);/g)].map(([statement]) => statement)) {
        if (text.includes("otel_trace_summaries")) continue
        yield* sql.unsafe(text.replace("create table ", "create table if not exists platform."))
      }
      for (const text of migrations) yield* sql.unsafe(text)

      const wanted = columnsIn(final)
      for (const [table, columns] of wanted) {
        if (table === "otel_trace_summaries") continue
        const found = yield* sql`select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
          where attrelid = to_regclass(${`platform.${table}`}) and attnum > 0`
        const names = new Map(found.map((row) => [row["name"], row["type"]]))
        for (const [name, type] of columns) {
          assert.strictEqual(names.get(name), types[type] ?? type, `${table}.${name}`)
        }
      }
    }))

  it.effect("and its writers, who know nothing of our columns, can write beside us", () =>
    Effect.gen(function*() {
      const sql = yield* client
      yield* EventTables.use((tables) => tables.prepare)

      yield* sql`insert into platform.logs (timestamp, body) values (now(), 'theirs')`
      yield* sql`insert into platform.ocsf_events (id, time, class_uid, category_uid, type_uid, activity_id)
        values (gen_random_uuid(), now(), 1008, 1, 100801, 1)`
      yield* sql`insert into platform.otel_metrics (timestamp, span_name, service_name, span_id)
        values (now(), 'a', 'b', '')`
      yield* sql`insert into platform.otel_traces (timestamp, trace_id, span_id) values (now(), 'a', 'b')`
      yield* sql`insert into platform.timeseries_metrics
        (timestamp, gateway_id, metric_name, metric_type, value, series_key) values (now(), 'g', 'm', 'gauge', 1, 'k')`
      yield* sql`insert into platform.ocsf_network_activity (time, ocsf_payload) values (now(), '{}')`

      const [row] = yield* sql`select count(*)::int as rows from platform.logs where tenant_id = 'default'`
      assert.strictEqual(row?.["rows"], 1)
    }))
})
