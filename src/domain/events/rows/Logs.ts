/** One log record. The id follows from the message, as two records may be equal in every other column. */
import { optional, required, type RowOf, table } from "./Table.ts"

export const Logs = table({
  name: "logs",
  time: "timestamp",
  key: ["tenant_id", "timestamp", "id"],
  keyKind: "ingest",
  columns: {
    tenant_id: required("text"),
    timestamp: required("timestamptz"),
    id: required("uuid"),
    observed_timestamp: optional("timestamptz"),
    trace_id: optional("text"),
    span_id: optional("text"),
    trace_flags: optional("int4"),
    severity_text: optional("text"),
    severity_number: optional("int4"),
    body: optional("text"),
    event_name: optional("text"),
    service_name: optional("text"),
    service_version: optional("text"),
    service_instance: optional("text"),
    scope_name: optional("text"),
    scope_version: optional("text"),
    scope_attributes: optional("text"),
    attributes: optional("text"),
    resource_attributes: optional("text"),
    source: optional("text")
  }
})

export type LogRow = RowOf<typeof Logs>
