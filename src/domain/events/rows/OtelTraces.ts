/** One span. Attributes, events and links are JSON text, whole. */
import { optional, required, type RowOf, table } from "./Table.ts"

export const OtelTraces = table({
  name: "otel_traces",
  time: "timestamp",
  key: ["tenant_id", "timestamp", "trace_id", "span_id"],
  keyKind: "natural",
  columns: {
    tenant_id: required("text"),
    timestamp: required("timestamptz"),
    trace_id: required("text"),
    span_id: required("text"),
    parent_span_id: optional("text"),
    name: optional("text"),
    kind: optional("int4"),
    start_time_unix_nano: optional("int8"),
    end_time_unix_nano: optional("int8"),
    service_name: optional("text"),
    service_version: optional("text"),
    service_instance: optional("text"),
    scope_name: optional("text"),
    scope_version: optional("text"),
    status_code: optional("int4"),
    status_message: optional("text"),
    attributes: optional("text"),
    resource_attributes: optional("text"),
    events: optional("text"),
    links: optional("text")
  }
})

export type OtelTraceRow = RowOf<typeof OtelTraces>
