/**
 * One metric point, or one part of a slow span.
 *
 * The old key (time, span name, service, span id) lost rows: the `http` and `slow_span` rows of a span collide with its
 * `span` row, and points that differ in attributes only with each other. So the message decides, not the content.
 */
import { optional, required, type RowOf, table } from "./Table.ts"

export const OtelMetrics = table({
  name: "otel_metrics",
  time: "timestamp",
  key: ["tenant_id", "timestamp", "ingest_id"],
  keyKind: "ingest",
  columns: {
    tenant_id: required("text"),
    ingest_id: required("uuid"),
    timestamp: required("timestamptz"),
    trace_id: required("text"),
    span_id: required("text"),
    service_name: required("text"),
    span_name: required("text"),
    span_kind: optional("text"),
    duration_ms: optional("float8"),
    duration_seconds: optional("float8"),
    metric_type: optional("text"),
    http_method: optional("text"),
    http_route: optional("text"),
    http_status_code: optional("text"),
    grpc_service: optional("text"),
    grpc_method: optional("text"),
    grpc_status_code: optional("text"),
    is_slow: optional("boolean"),
    component: optional("text"),
    level: optional("text"),
    unit: optional("text"),
    /** What the sender claimed as the time of a point that has the time of receipt. */
    claimed_time: optional("text")
  }
})

export type OtelMetricRow = RowOf<typeof OtelMetrics>
