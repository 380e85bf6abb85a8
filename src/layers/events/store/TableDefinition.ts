/**
 * The DDL of a target table, from its description: the same columns that are written, in the same order, then
 * `created_at`.
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

export const create = (schema: string, name: TableName): string => {
  const { columns, key }: { readonly columns: AnyColumns; readonly key: ReadonlyArray<string> } = tables[name]
  const lines = Object.entries(columns).map(([column, { nullable, type }]) =>
    `${quote(column)} ${type}${nullable ? "" : " not null"}`
  )
  return `create table ${quote(schema)}.${quote(name)} (${
    [...lines, "created_at timestamptz not null default now()", `primary key (${key.map(quote).join(", ")})`].join(", ")
  })`
}

export const indexes = (schema: string, name: TableName): ReadonlyArray<string> => {
  const on = `${quote(schema)}.${quote(name)}`
  return [
    `create index on ${on} using brin (${quote(tables[name].time)})`,
    ...lookups[name].map((lookup) => `create index on ${on} ${lookup}`)
  ]
}
