/** Network flows, which the original knows since 1.0.90. */
import { identifier } from "../../sql/Sql.ts"
import { define } from "../../srql/catalog/Entity.ts"

export const flows = define({
  name: "flows",
  spellings: ["flow", "network_activity"],
  relation: identifier("ocsf_network_activity"),
  tenant: identifier("tenant_id"),
  time: "time",
  columns: {
    time: "timestamptz",
    class_uid: "int4",
    category_uid: "int4",
    activity_id: "int4",
    type_uid: "int8",
    severity_id: "int4",
    start_time: "timestamptz",
    end_time: "timestamptz",
    src_endpoint_ip: "text",
    src_endpoint_port: "int4",
    src_as_number: "int8",
    dst_endpoint_ip: "text",
    dst_endpoint_port: "int4",
    dst_as_number: "int8",
    protocol_num: "int4",
    protocol_name: "text",
    protocol_source: "text",
    tcp_flags: "int4",
    tcp_flags_labels: "text_array",
    tcp_flags_source: "text",
    dst_service_label: "text",
    dst_service_source: "text",
    bytes_total: "int8",
    packets_total: "int8",
    bytes_in: "int8",
    bytes_out: "int8",
    packets_in: "int8",
    packets_out: "int8",
    direction_label: "text",
    direction_source: "text",
    src_hosting_provider: "text",
    src_hosting_provider_source: "text",
    dst_hosting_provider: "text",
    dst_hosting_provider_source: "text",
    src_mac: "text",
    dst_mac: "text",
    src_mac_vendor: "text",
    src_mac_vendor_source: "text",
    dst_mac_vendor: "text",
    dst_mac_vendor_source: "text",
    sampler_address: "text",
    ocsf_payload: "jsonb",
    partition: "text",
    created_at: "timestamptz"
  },
  filters: {
    text: ["protocol_name", "sampler_address"],
    address: [["src_endpoint_ip", "src_ip"], ["dst_endpoint_ip", "dst_ip"]],
    integer: [["protocol_num", "proto"], ["src_endpoint_port", "src_port"], ["dst_endpoint_port", "dst_port"]]
  },
  sorts: ["time", "bytes_total", "packets_total", "bytes_in", "bytes_out", "packets_in", "packets_out"],
  order: [["time", "desc"], ["created_at", "desc"]],
  key: [
    "time",
    "src_endpoint_ip",
    "dst_endpoint_ip",
    "src_endpoint_port",
    "dst_endpoint_port",
    "protocol_num",
    "sampler_address",
    "bytes_total",
    "packets_total",
    "created_at"
  ],
  groups: [["src_endpoint_ip", "src_ip"], ["dst_endpoint_ip", "dst_ip"], "protocol_name", "sampler_address", [
    "dst_endpoint_port",
    "dst_port"
  ], ["src_endpoint_port", "src_port"]],
  metric: {
    values: ["bytes_total", "packets_total", "bytes_in", "bytes_out", "packets_in", "packets_out"],
    series: ["src_endpoint_ip", "dst_endpoint_ip", "protocol_name", "sampler_address", "dst_endpoint_port"]
  },
  semantics: { value: ["bytes_total", "packets_total"] }
})
