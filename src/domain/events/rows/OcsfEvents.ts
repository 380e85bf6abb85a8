/** An OCSF event. A native event keeps its own id when that is a UUID, so a publisher's repetition adds nothing. */
import { optional, required, type RowOf, table } from "./Table.ts"

export const OcsfEvents = table({
  name: "ocsf_events",
  time: "time",
  key: ["tenant_id", "time", "id"],
  keyKind: "natural",
  columns: {
    tenant_id: required("text"),
    id: required("uuid"),
    time: required("timestamptz"),
    class_uid: required("int4"),
    category_uid: required("int4"),
    type_uid: required("int4"),
    activity_id: required("int4"),
    activity_name: optional("text"),
    severity_id: required("int4"),
    severity: optional("text"),
    message: optional("text"),
    status_id: optional("int4"),
    status: optional("text"),
    status_code: optional("text"),
    status_detail: optional("text"),
    metadata: required("jsonb"),
    observables: required("jsonb"),
    trace_id: optional("text"),
    span_id: optional("text"),
    actor: required("jsonb"),
    device: required("jsonb"),
    src_endpoint: required("jsonb"),
    dst_endpoint: required("jsonb"),
    log_name: optional("text"),
    log_provider: optional("text"),
    log_level: optional("text"),
    log_version: optional("text"),
    unmapped: required("jsonb"),
    raw_data: optional("text")
  }
})

export type OcsfEventRow = RowOf<typeof OcsfEvents>
