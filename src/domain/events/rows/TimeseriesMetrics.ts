/**
 * One measurement of a time series. `series_key` tells series with the same name apart; equal time, gateway and series
 * are the same measurement.
 */
import { optional, required, type RowOf, table } from "./Table.ts"

export const TimeseriesMetrics = table({
  name: "timeseries_metrics",
  time: "timestamp",
  key: ["tenant_id", "timestamp", "gateway_id", "series_key"],
  keyKind: "natural",
  columns: {
    tenant_id: required("text"),
    timestamp: required("timestamptz"),
    gateway_id: required("text"),
    agent_id: optional("text"),
    metric_name: required("text"),
    metric_type: required("text"),
    device_id: optional("text"),
    value: required("float8"),
    unit: optional("text"),
    tags: optional("jsonb"),
    partition: optional("text"),
    scale: optional("float8"),
    is_delta: required("boolean"),
    target_device_ip: optional("text"),
    if_index: optional("int4"),
    metadata: optional("jsonb"),
    series_key: required("text")
  }
})

export type TimeseriesMetricRow = RowOf<typeof TimeseriesMetrics>
