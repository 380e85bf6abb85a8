/** One network flow in the first generation's table, for dashboards that still ask it. */
import { optional, required, type RowOf, table } from "./Table.ts"

export const NetflowMetrics = table({
  name: "netflow_metrics",
  time: "timestamp",
  key: ["tenant_id", "timestamp", "ingest_id"],
  keyKind: "ingest",
  columns: {
    tenant_id: required("text"),
    ingest_id: required("uuid"),
    timestamp: required("timestamptz"),
    poller_id: required("text"),
    agent_id: required("text"),
    device_id: required("text"),
    flow_direction: required("text"),
    src_addr: optional("text"),
    dst_addr: optional("text"),
    src_port: required("int4"),
    dst_port: required("int4"),
    protocol: required("int4"),
    packets: required("int8"),
    octets: required("int8"),
    sampler_address: optional("text"),
    input_snmp: required("int4"),
    output_snmp: required("int4"),
    metadata: optional("jsonb")
  }
})

export type NetflowMetricRow = RowOf<typeof NetflowMetrics>
