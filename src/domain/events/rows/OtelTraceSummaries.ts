/** One trace, over all of its spans; derived from them and never from a message. */
import { optional, required, table } from "./Table.ts"

export const OtelTraceSummaries = table({
  name: "otel_trace_summaries",
  time: "timestamp",
  key: ["tenant_id", "trace_id"],
  keyKind: "natural",
  columns: {
    tenant_id: required("text"),
    trace_id: required("text"),
    timestamp: optional("timestamptz"),
    root_span_id: optional("text"),
    root_span_name: optional("text"),
    root_service_name: optional("text"),
    root_span_kind: optional("int4"),
    start_time_unix_nano: optional("int8"),
    end_time_unix_nano: optional("int8"),
    duration_ms: optional("float8"),
    status_code: optional("int4"),
    status_message: optional("text"),
    service_set: optional("text[]"),
    span_count: optional("int8"),
    error_count: optional("int8"),
    refreshed_at: required("timestamptz")
  }
})
