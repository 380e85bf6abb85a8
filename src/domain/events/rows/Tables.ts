/** Every table that the event writer fills, and the rows of one message, which all go to one of them. */
import { type GoEventRow, GoEvents } from "./GoEvents.ts"
import { type LogRow, Logs } from "./Logs.ts"
import { type NetflowMetricRow, NetflowMetrics } from "./NetflowMetrics.ts"
import { type OcsfEventRow, OcsfEvents } from "./OcsfEvents.ts"
import { OcsfNetworkActivity, type OcsfNetworkActivityRow } from "./OcsfNetworkActivity.ts"
import { type OtelMetricRow, OtelMetrics } from "./OtelMetrics.ts"
import { type OtelTraceRow, OtelTraces } from "./OtelTraces.ts"
import { type SweepHostStateRow, SweepHostStates } from "./SweepHostStates.ts"
import { type TimeseriesMetricRow, TimeseriesMetrics } from "./TimeseriesMetrics.ts"

export const tables = {
  timeseries_metrics: TimeseriesMetrics,
  ocsf_events: OcsfEvents,
  sweep_host_states: SweepHostStates,
  ocsf_network_activity: OcsfNetworkActivity,
  netflow_metrics: NetflowMetrics,
  otel_metrics: OtelMetrics,
  otel_traces: OtelTraces,
  logs: Logs,
  events: GoEvents
} as const

export type TableName = keyof typeof tables

interface RowTypes {
  readonly timeseries_metrics: TimeseriesMetricRow
  readonly ocsf_events: OcsfEventRow
  readonly sweep_host_states: SweepHostStateRow
  readonly ocsf_network_activity: OcsfNetworkActivityRow
  readonly netflow_metrics: NetflowMetricRow
  readonly otel_metrics: OtelMetricRow
  readonly otel_traces: OtelTraceRow
  readonly logs: LogRow
  readonly events: GoEventRow
}

/** The rows of one message: `table` tells their type. */
export type TableRows = {
  readonly [T in TableName]: { readonly table: T; readonly rows: ReadonlyArray<RowTypes[T]> }
}[TableName]
