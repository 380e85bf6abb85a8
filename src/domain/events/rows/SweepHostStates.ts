/** What one sweep found out about one host. */
import { optional, required, type RowOf, table } from "./Table.ts"

export const SweepHostStates = table({
  name: "sweep_host_states",
  time: "last_sweep_time",
  key: ["tenant_id", "host_ip", "poller_id", "partition", "last_sweep_time"],
  keyKind: "natural",
  columns: {
    tenant_id: required("text"),
    host_ip: required("text"),
    poller_id: required("text"),
    agent_id: required("text"),
    partition: required("text"),
    network_cidr: optional("text"),
    hostname: optional("text"),
    mac: optional("text"),
    icmp_available: optional("boolean"),
    icmp_response_time_ns: optional("int8"),
    icmp_packet_loss: optional("float8"),
    tcp_ports_scanned: optional("jsonb"),
    tcp_ports_open: optional("jsonb"),
    port_scan_results: optional("jsonb"),
    last_sweep_time: required("timestamptz"),
    first_seen: optional("timestamptz"),
    metadata: optional("jsonb")
  }
})

export type SweepHostStateRow = RowOf<typeof SweepHostStates>
