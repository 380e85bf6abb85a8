/** One row for each trace. */
import { identifier } from "../../sql/Sql.ts"
import { define } from "../../srql/catalog/Entity.ts"

export const traceSummaries = define({
  name: "trace_summaries",
  spellings: ["otel_trace_summaries", "traces_summaries"],
  relation: identifier("otel_trace_summaries"),
  tenant: identifier("tenant_id"),
  time: "timestamp",
  columns: {
    timestamp: "timestamptz",
    trace_id: "text",
    root_span_id: "text",
    root_span_name: "text",
    root_service_name: "text",
    root_span_kind: "int4",
    start_time_unix_nano: "int8",
    end_time_unix_nano: "int8",
    duration_ms: "float8",
    status_code: "int4",
    status_message: "text",
    service_set: "text_array",
    span_count: "int8",
    error_count: "int8"
  },
  filters: {
    text: ["trace_id", "root_span_id", "root_span_name", "root_service_name"],
    integer: ["status_code", "root_span_kind", "span_count", "error_count"],
    fixed: ["duration_ms"]
  },
  sorts: ["timestamp", "duration_ms", "span_count", "error_count", "root_service_name"],
  order: [["timestamp", "desc"]],
  key: ["trace_id"],
  groups: ["root_service_name", "root_span_name", "status_code"],
  semantics: {
    id: ["trace_id", "root_span_id"],
    label: ["root_span_name", "root_service_name"],
    value: ["duration_ms", "span_count", "error_count"],
    units: { duration_ms: "ms" }
  }
})
