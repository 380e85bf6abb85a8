/**
 * The four tables of the Go writer of v1.0.76, for a database in its form in which one of them is not there: dropped by
 * somebody, or a schema of its own beside the Go writer's.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { Effect } from "effect"
import { type TableName, tables } from "../../../domain/events/rows/Tables.ts"
import { goTableNames } from "../../../domain/events/storing/TablePolicy.ts"
import type { AnyColumns } from "./ColumnArrays.ts"
import { quote } from "./InsertStatement.ts"
import * as TableCatalog from "./TableCatalog.ts"

/** What came later, or is ours. */
const later: ReadonlySet<string> = new Set([
  "tenant_id",
  "ingest_id",
  "id",
  "observed_timestamp",
  "trace_flags",
  "event_name",
  "scope_attributes",
  "source",
  "unit"
])

/** Of the events, `id` and `source` are as old as the table. */
const isLater = (table: TableName, column: string): boolean =>
  table === "events" ? column === "tenant_id" : later.has(column)

const keys: Readonly<Record<string, ReadonlyArray<string>>> = {
  events: ["event_timestamp", "id"],
  logs: ["timestamp", "trace_id", "span_id"],
  otel_metrics: ["timestamp", "span_name", "service_name", "span_id"],
  otel_traces: ["timestamp", "trace_id", "span_id"]
}

const create = (schema: string, name: TableName): string => {
  const columns: AnyColumns = tables[name].columns
  const lines = Object.entries(columns).filter(([column]) => !isLater(name, column)).map(([column, { type }]) =>
    `${quote(column)} ${type}`
  )
  return `create table if not exists ${quote(schema)}.${quote(name)} (${
    [
      ...lines,
      "created_at timestamptz not null default now()",
      `primary key (${(keys[name] ?? []).map(quote).join(", ")})`
    ].join(", ")
  })`
}

/** The statements that make those of the tables that are not there. */
export const missing = Effect.fnUntraced(function*(
  sql: PgClient.PgClient,
  schema: string,
  wanted: ReadonlyArray<TableName>
) {
  const found = yield* TableCatalog.read(sql.unsafe, schema, goTableNames)
  const absent = goTableNames.filter((name) => wanted.includes(name) && !found.has(name))
  return absent.length === 0
    ? []
    : [`create schema if not exists ${quote(schema)}`, ...absent.map((name) => create(schema, name))]
})
