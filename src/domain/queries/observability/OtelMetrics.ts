/** Spans as metrics. */
import { identifier } from "../../sql/Sql.ts"
import { define } from "../../srql/catalog/Entity.ts"

export const otelMetrics = define({
  name: "otel_metrics",
  spellings: ["metrics"],
  relation: identifier("otel_metrics"),
  tenant: identifier("tenant_id"),
  time: "timestamp",
  columns: {
    timestamp: "timestamptz",
    trace_id: "text",
    span_id: "text",
    service_name: "text",
    span_name: "text",
    span_kind: "text",
    duration_ms: "float8",
    duration_seconds: "float8",
    metric_type: "text",
    http_method: "text",
    http_route: "text",
    http_status_code: "text",
    grpc_service: "text",
    grpc_method: "text",
    grpc_status_code: "text",
    is_slow: "bool",
    component: "text",
    level: "text",
    unit: "text",
    created_at: "timestamptz"
  },
  filters: {
    text: [
      "trace_id",
      "span_id",
      ["service_name", "service"],
      "span_name",
      "span_kind",
      ["metric_type", "type"],
      "component",
      "level",
      "http_method",
      "http_route",
      "http_status_code",
      "grpc_service",
      "grpc_method",
      "grpc_status_code"
    ],
    bool: ["is_slow"]
  },
  sorts: ["timestamp", ["service_name", "service"], ["metric_type", "type"], "duration_ms"],
  order: [["timestamp", "desc"]],
  key: ["timestamp", "span_id", "service_name", "span_name", "metric_type", "component", "created_at"],
  groups: [["service_name", "service", "name"], "http_route", "metric_type", "component", "is_slow"],
  semantics: { id: ["trace_id", "span_id"], label: ["span_name"], value: ["duration_ms"], units: { duration_ms: "ms" } }
})
