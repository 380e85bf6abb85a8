/**
 * One network flow: flat columns for questions, the complete OCSF event beside them.
 *
 * AS numbers are `int4` as in the existing system's table, whose readers ask for that; half of the 32-bit numbers do not
 * fit and stand in the document only. Hosting providers and MAC vendors are looked up by others.
 */
import { optional, required, type RowOf, table } from "./Table.ts"

export const OcsfNetworkActivity = table({
  name: "ocsf_network_activity",
  time: "time",
  key: ["tenant_id", "time", "ingest_id"],
  keyKind: "ingest",
  columns: {
    tenant_id: required("text"),
    ingest_id: required("uuid"),
    time: required("timestamptz"),
    class_uid: required("int4"),
    category_uid: required("int4"),
    activity_id: required("int4"),
    type_uid: required("int4"),
    severity_id: required("int4"),
    start_time: optional("timestamptz"),
    end_time: optional("timestamptz"),
    src_endpoint_ip: optional("text"),
    src_endpoint_port: optional("int4"),
    src_as_number: optional("int4"),
    dst_endpoint_ip: optional("text"),
    dst_endpoint_port: optional("int4"),
    dst_as_number: optional("int4"),
    protocol_num: optional("int4"),
    protocol_name: optional("text"),
    protocol_source: optional("text"),
    tcp_flags: optional("int4"),
    tcp_flags_labels: optional("text[]"),
    tcp_flags_source: optional("text"),
    dst_service_label: optional("text"),
    dst_service_source: optional("text"),
    bytes_total: optional("int8"),
    packets_total: optional("int8"),
    bytes_in: optional("int8"),
    bytes_out: optional("int8"),
    packets_in: required("int8"),
    packets_out: required("int8"),
    direction_label: optional("text"),
    direction_source: optional("text"),
    src_mac: optional("text"),
    dst_mac: optional("text"),
    sampler_address: optional("text"),
    partition: required("text"),
    ocsf_payload: required("jsonb")
  },
  unwritten: {
    src_hosting_provider: optional("text"),
    src_hosting_provider_source: optional("text"),
    dst_hosting_provider: optional("text"),
    dst_hosting_provider_source: optional("text"),
    src_mac_vendor: optional("text"),
    src_mac_vendor_source: optional("text"),
    dst_mac_vendor: optional("text"),
    dst_mac_vendor_source: optional("text")
  }
})

export type OcsfNetworkActivityRow = RowOf<typeof OcsfNetworkActivity>
