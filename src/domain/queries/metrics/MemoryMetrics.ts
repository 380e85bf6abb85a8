/** Use of memory. */
import { identifier } from "../../sql/Sql.ts"
import { define } from "../../srql/catalog/Entity.ts"

export const memoryMetrics = define({
  name: "memory_metrics",
  spellings: ["memory"],
  relation: identifier("memory_metrics"),
  tenant: identifier("tenant_id"),
  time: "timestamp",
  columns: {
    timestamp: "timestamptz",
    gateway_id: "text",
    agent_id: "text",
    host_id: "text",
    total_bytes: "int8",
    used_bytes: "int8",
    available_bytes: "int8",
    usage_percent: "float8",
    device_id: "text",
    partition: "text",
    created_at: "timestamptz"
  },
  filters: {
    text: ["gateway_id", "agent_id", "host_id", ["device_id", "uid"], "partition"],
    fixed: ["usage_percent"],
    integer: ["total_bytes", "used_bytes", "available_bytes"]
  },
  sorts: ["timestamp", "usage_percent", "gateway_id", ["device_id", "uid"], "host_id"],
  order: [["timestamp", "desc"]],
  key: ["timestamp", "device_id", "host_id"],
  groups: [["device_id", "uid"], "host_id", "gateway_id", "agent_id"],
  metric: {
    values: ["usage_percent", "used_bytes", "available_bytes", "total_bytes"],
    series: ["device_id", "host_id", "gateway_id", "agent_id", "partition"]
  },
  semantics: {
    id: ["gateway_id", "agent_id", "host_id", "device_id"],
    value: ["usage_percent", "used_bytes", "available_bytes", "total_bytes"],
    units: { usage_percent: "percent", total_bytes: "bytes" },
    y: "usage_percent"
  }
})
