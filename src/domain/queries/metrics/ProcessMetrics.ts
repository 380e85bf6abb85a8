/** Processes and what they use. */
import { identifier } from "../../sql/Sql.ts"
import { define } from "../../srql/catalog/Entity.ts"

export const processMetrics = define({
  name: "process_metrics",
  spellings: ["processes"],
  relation: identifier("process_metrics"),
  tenant: identifier("tenant_id"),
  time: "timestamp",
  columns: {
    timestamp: "timestamptz",
    gateway_id: "text",
    agent_id: "text",
    host_id: "text",
    pid: "int4",
    name: "text",
    cpu_usage: "float4",
    memory_usage: "int8",
    status: "text",
    start_time: "text",
    device_id: "text",
    partition: "text",
    created_at: "timestamptz"
  },
  filters: {
    text: ["gateway_id", "agent_id", "host_id", ["device_id", "uid"], "partition", "name", "status", "start_time"],
    integer: ["pid"],
    number: ["cpu_usage", "memory_usage"]
  },
  sorts: ["timestamp", "cpu_usage", "memory_usage", "pid", "name"],
  order: [["timestamp", "desc"]],
  key: ["timestamp", "device_id", "host_id", "pid"],
  groups: [["device_id", "uid"], "name", "host_id", "status"],
  metric: {
    values: ["cpu_usage", "memory_usage"],
    series: ["device_id", "host_id", "gateway_id", "agent_id", "partition", "name", "pid", "status"]
  },
  semantics: {
    id: ["gateway_id", "agent_id", "host_id", "pid", "device_id"],
    label: ["name"],
    value: ["cpu_usage", "memory_usage"],
    units: { cpu_usage: "percent", memory_usage: "bytes" },
    y: "cpu_usage",
    series: "name"
  }
})
