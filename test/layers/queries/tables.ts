/** The catalog's tables on a real PostgreSQL, with random rows that have nulls everywhere. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect } from "effect"
import { render } from "../../../src/domain/sql/Sql.ts"
import type { Column, Entity } from "../../../src/domain/srql/catalog/Entity.ts"
import { rowEntities } from "../../domain/queries/asking.ts"

const uuids = ["0b0d7c9e-6a52-4a7e-9c55-2f7a3a5a9d10", "0b0d7c9e-6a52-4a7e-9c55-2f7a3a5a9d11"]
const texts = ["a", "A", "ab", "a_b", "50%", "", "x y", "é\"'"]
const addresses = [
  "10.0.0.1",
  "10.0.1.5",
  "192.0.2.9",
  "no address",
  "2001:db8::1",
  "::ffff:10.0.0.9",
  "1:2:3:4:5:6:7:10.0.0.1",
  "0a:1b:2c:3d:4e:5f",
  "a:",
  "a",
  ""
]

export const pools: Readonly<Record<Column["type"], ReadonlyArray<unknown>>> = {
  text: texts,
  text_array: [[], ["a"], ["a", "ab"], ["x y"]],
  bool: [true, false],
  int4: [0, 1, 2, -1, 2147483647],
  int8: [0, 1, 2, -1, 9007199254740000],
  float4: [0, 1.5, 70, -2],
  float8: [0, 1.5, 70, -2, 1e100],
  numeric: [0, 1.5],
  timestamptz: ["2026-03-05T12:00:00Z", "2026-03-04T12:00:00Z"],
  jsonb: [{}, { name: "a", version: "ab" }, { name: "x y", a: "1", type: null }],
  uuid: uuids
}

export const postgresTypes: Readonly<Record<Column["type"], string>> = {
  text: "text",
  text_array: "text[]",
  bool: "boolean",
  int4: "integer",
  int8: "bigint",
  float4: "real",
  float8: "double precision",
  numeric: "numeric",
  timestamptz: "timestamptz",
  jsonb: "jsonb",
  uuid: "uuid"
}

/** One entity of each table: those of one kind of metric share the table of all kinds. */
export const stored = rowEntities.filter(({ always }) => always === null)

/** With its joins a table has another name. */
export const tableOf = (entity: Entity): string => /^\w+/.exec(render(entity.from).text)?.[0] ?? ""

const elsewhere = new Set(["favorited", "metrics_enabled", "in_errors", "out_errors"])

/** Columns of the table, in which some are kept that are no part of a row, and some of a row are not. */
export const columnsOf = (entity: Entity): ReadonlyArray<Pick<Column, "name" | "type">> =>
  entity.name === "devices"
    ? [...entity.columns, { name: "tags", type: "jsonb" }]
    : tableOf(entity) === "timeseries_metrics"
    ? [...entity.columns, { name: "series_key", type: "text" }]
    : entity.latest === null
    ? entity.columns
    : entity.columns.filter(({ name }) => !elsewhere.has(name))

const poolOf = (entity: Entity, column: Pick<Column, "name" | "type">): ReadonlyArray<unknown> => {
  const filterClass = entity.fields.get(column.name)?.class
  if (filterClass === "address") return addresses
  if (filterClass === "mac") return ["0A:1B:2C:00:00:01", "0a1b2c000002", "a", ""]
  if (column.name === "metric_type") return ["snmp", "rperf", ...texts]
  return pools[column.type]
}

const rowsOf = (
  entity: Entity,
  columns: ReadonlyArray<Pick<Column, "name" | "type">>,
  random: (bound: number) => number,
  count: number
): ReadonlyArray<Readonly<Record<string, unknown>>> =>
  Array.from({ length: count }, (_, rowNumber) => ({
    row_number_: rowNumber,
    tenant_id: rowNumber % 2 === 0 ? "even" : "odd",
    ...Object.fromEntries(columns.map((column) => {
      const pool = poolOf(entity, column)
      return [column.name, random(4) === 0 ? null : pool[random(pool.length)]]
    }))
  }))

export type StoredRow = Readonly<Record<string, unknown>>

/** Makes the table, and answers with what it put there. */
export const fill = Effect.fnUntraced(function*(entity: Entity, random: (bound: number) => number, count: number) {
  const sql = yield* PgClient.PgClient
  const table = tableOf(entity)
  const columns = columnsOf(entity)
  yield* sql.unsafe(
    `create table ${table} (row_number_ integer, tenant_id text, ${
      columns.map(({ name, type }) => `"${name}" ${postgresTypes[type]}`).join(", ")
    })`
  )
  const rows: ReadonlyArray<StoredRow> = rowsOf(entity, columns, random, count)
  yield* sql.unsafe(`insert into ${table} select * from jsonb_populate_recordset(null::${table}, $1::text::jsonb)`, [
    JSON.stringify(rows)
  ])
  return rows
})

/** What is joined to interfaces. The counters of interfaces are metrics. */
export const makeSettings = Effect.flatMap(PgClient.PgClient, (sql) =>
  sql.unsafe(
    "create table interface_settings (tenant_id text, device_id text, interface_uid text, favorited boolean, metrics_enabled boolean)"
  ))

const rollups = [
  "logs_severity_stats_5m (tenant_id text, bucket timestamptz, service_name text, total_count bigint, fatal_count bigint, error_count bigint, warning_count bigint, info_count bigint, debug_count bigint)",
  "traces_stats_5m (tenant_id text, bucket timestamptz, service_name text, total_count bigint, error_count bigint, avg_duration_ms float8, p95_duration_ms float8)",
  "services_availability_5m (tenant_id text, bucket timestamptz, service_name text, service_type text, total_count bigint, available_count bigint, unavailable_count bigint)"
]

/** Counted beforehand, in buckets of five minutes. */
export const makeRollups = Effect.flatMap(
  PgClient.PgClient,
  (sql) => Effect.forEach(rollups, (rollup) => sql.unsafe(`create table ${rollup}`), { discard: true })
)
