/**
 * The DDL of a target table, from its description: the same columns that are written, in the same order, then those that
 * others fill, and `created_at`.
 *
 * Few indexes, as each costs every row: the key begins with the tenant and holds the time, a BRIN index finds a span of
 * time across tenants, and ids that people look up have one of their own.
 */
import { type TableName, tables } from "../../../domain/events/rows/Tables.ts"
import type { AnyColumns } from "./ColumnArrays.ts"
import { quote } from "./InsertStatement.ts"

const lookups: Readonly<Record<TableName, ReadonlyArray<string>>> = {
  timeseries_metrics: ["(device_id, metric_name, timestamp desc) where device_id is not null"],
  ocsf_events: [],
  sweep_host_states: [],
  ocsf_network_activity: [],
  netflow_metrics: [],
  otel_metrics: [],
  // The second finds new spans for the summaries of their traces, see `AdoptionSteps`.
  otel_traces: ["(trace_id)", "(created_at)"],
  logs: ["(trace_id) where trace_id <> ''"],
  events: []
}

/** For whoever writes rows beside us and knows nothing of our columns. */
const defaults: Readonly<Record<string, string>> = {
  tenant_id: "'default'",
  ingest_id: "gen_random_uuid()",
  id: "gen_random_uuid()",
  series_key: "''",
  metadata: "'{}'",
  observables: "'[]'",
  actor: "'{}'",
  device: "'{}'",
  src_endpoint: "'{}'",
  dst_endpoint: "'{}'",
  unmapped: "'{}'",
  packets_in: "0",
  packets_out: "0",
  partition: "'default'"
}

/** Of flows, as the existing system has them. */
const flowDefaults: Readonly<Record<string, string>> = {
  class_uid: "4001",
  category_uid: "4",
  activity_id: "6",
  type_uid: "400106",
  severity_id: "1"
}

const defaultOf = (name: TableName, column: string): string | undefined =>
  name === "ocsf_network_activity" ? flowDefaults[column] ?? defaults[column] : defaults[column]

/** Only what a key needs must be there: the writers see to the rest. */
const isNeeded = (name: TableName, column: string): boolean => {
  const key: ReadonlyArray<string> = tables[name].key
  return key.includes(column)
}

const definition = (name: TableName, column: string, type: string): string => {
  const otherwise = defaultOf(name, column)
  return `${quote(column)} ${type}${otherwise === undefined ? "" : ` default ${otherwise}`}${
    isNeeded(name, column) ? " not null" : ""
  }`
}

/** What brings a table to it that was made with stricter columns. */
export const loosened = (schema: string, name: TableName): ReadonlyArray<string> => {
  const columns: AnyColumns = tables[name].columns
  const table = `${quote(schema)}.${quote(name)}`
  return Object.entries(columns).flatMap(([column, { type }]) => {
    const otherwise = defaultOf(name, column)
    const alter = `alter table ${table} alter column ${quote(column)}`
    return [
      `alter table ${table} add column if not exists ${definition(name, column, type)}`,
      ...(otherwise === undefined ? [] : [`${alter} set default ${otherwise}`]),
      ...(isNeeded(name, column) ? [] : [`${alter} drop not null`])
    ]
  })
}

export const create = (schema: string, name: TableName): string => {
  const { columns, key, unwritten = {} }: {
    readonly columns: AnyColumns
    readonly key: ReadonlyArray<string>
    readonly unwritten?: AnyColumns
  } = tables[name]
  const lines = Object.entries({ ...columns, ...unwritten }).map(([column, { type }]) => definition(name, column, type))
  return `create table ${quote(schema)}.${quote(name)} (${
    [...lines, "created_at timestamptz not null default now()", `primary key (${key.map(quote).join(", ")})`].join(", ")
  })`
}

/** Of which operators ask pages, newest first, and large. */
const paged: ReadonlyArray<TableName> = ["timeseries_metrics", "logs"]

/** The newest of all tenants: the key begins with the tenant, and a BRIN index has no order. Hypertables have one of their own. */
export const newestFirst = (schema: string, name: TableName): ReadonlyArray<string> =>
  paged.includes(name)
    ? [
      `create index if not exists ${quote(`${name}_newest`)} on ${quote(schema)}.${quote(name)} (${
        quote(tables[name].time)
      } desc)`
    ]
    : []

export const indexes = (schema: string, name: TableName): ReadonlyArray<string> => {
  const on = `${quote(schema)}.${quote(name)}`
  return [
    `create index on ${on} using brin (${quote(tables[name].time)})`,
    ...lookups[name].map((lookup) => `create index on ${on} ${lookup}`)
  ]
}
