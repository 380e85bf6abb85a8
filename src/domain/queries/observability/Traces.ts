/** Spans. */
import { identifier, sql } from "../../sql/Sql.ts"
import { define } from "../../srql/catalog/Entity.ts"

const service = {
  name: "service_name",
  aliases: ["service.name"],
  class: "text",
  type: "text",
  sql: identifier("service_name")
} as const

export const traces = define({
  name: "traces",
  spellings: ["otel_traces", "trace_spans"],
  relation: identifier("otel_traces"),
  tenant: identifier("tenant_id"),
  time: "timestamp",
  columns: {
    timestamp: "timestamptz",
    trace_id: "text",
    span_id: "text",
    parent_span_id: "text",
    name: "text",
    kind: "int4",
    start_time_unix_nano: "int8",
    end_time_unix_nano: "int8",
    service_name: "text",
    service_version: "text",
    service_instance: "text",
    scope_name: "text",
    scope_version: "text",
    status_code: "int4",
    status_message: "text",
    attributes: "text",
    resource_attributes: "text",
    events: "text",
    links: "text",
    created_at: "timestamptz"
  },
  filters: {
    text: [
      "trace_id",
      "span_id",
      "parent_span_id",
      ["service_name", "service.name"],
      "service_version",
      "service_instance",
      "scope_name",
      "scope_version",
      ["name", "span_name"],
      "status_message"
    ],
    integers: ["status_code", ["kind", "span_kind"]]
  },
  sorts: ["timestamp", "start_time_unix_nano", "end_time_unix_nano", "service_name"],
  order: [["timestamp", "desc"]],
  key: ["timestamp", "trace_id", "span_id"],
  groups: ["service_name", "name", "status_code", "kind"],
  rollups: {
    summary: {
      relation: identifier("traces_stats_5m"),
      isClosed: false,
      fields: new Map([["service_name", service], ["service.name", service]]),
      payload: [
        ["total", sql`COALESCE(SUM(total_count), 0)::bigint`],
        ["errors", sql`COALESCE(SUM(error_count), 0)::bigint`],
        ["avg_duration_ms", sql`COALESCE(AVG(avg_duration_ms), 0)::float`],
        ["p95_duration_ms", sql`COALESCE(PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY p95_duration_ms), 0)::float`]
      ]
    }
  },
  semantics: { id: ["trace_id", "span_id"], label: ["name"] }
})
