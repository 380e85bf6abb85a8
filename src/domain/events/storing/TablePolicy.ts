/**
 * How long each table keeps its rows.
 *
 * The days are those of the existing database; the two tables that it never pruned get what their like get.
 */
import { Duration } from "effect"
import { type TableName, tables } from "../rows/Tables.ts"

export type Retention = Readonly<Record<TableName, Duration.Duration>>

/** For some of the tables. */
export type AskedRetention = { readonly [T in TableName]?: Duration.Duration | undefined }

export const retentionDefault: Retention = {
  timeseries_metrics: Duration.days(7),
  ocsf_events: Duration.days(14),
  sweep_host_states: Duration.days(30),
  ocsf_network_activity: Duration.days(90),
  netflow_metrics: Duration.days(7),
  otel_metrics: Duration.days(30),
  otel_traces: Duration.days(3),
  logs: Duration.days(30)
}

const isTableName = (name: string): name is TableName => Object.hasOwn(tables, name)

export const tableNames: ReadonlyArray<TableName> = Object.keys(tables).filter(isTableName)
