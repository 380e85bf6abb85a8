/**
 * How long each table keeps its rows.
 *
 * The days are those of the existing database; the two tables that it never pruned get what their like get.
 */
import { Duration } from "effect"
import { type TableName, tables } from "../rows/Tables.ts"
import { streamNames, streams } from "../stream/Streams.ts"

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
  logs: Duration.days(30),
  events: Duration.days(14)
}

const isTableName = (name: string): name is TableName => Object.hasOwn(tables, name)

/** Every table that rows can go to. */
export const writtenNames: ReadonlyArray<TableName> = Object.keys(tables).filter(isTableName)

/** Those of the current form, which are made where they are not there. */
export const tableNames: ReadonlyArray<TableName> = writtenNames.filter((name) =>
  Object.values(streams).some((stream) => stream.tables.current.includes(name))
)

/** Those that the Go writer of v1.0.76 fills: written as they are there, and never changed. */
export const goTableNames: ReadonlyArray<TableName> = streamNames.flatMap((stream) =>
  streams[stream].isFilledByGo ? streams[stream].tables["go-1.0.76"] : []
)
