/** Use of file systems. */
import { identifier } from "../../sql/Sql.ts"
import { define } from "../../srql/catalog/Entity.ts"

export const diskMetrics = define({
  name: "disk_metrics",
  spellings: ["disk"],
  relation: identifier("disk_metrics"),
  tenant: identifier("tenant_id"),
  time: "timestamp",
  columns: {
    timestamp: "timestamptz",
    gateway_id: "text",
    agent_id: "text",
    host_id: "text",
    mount_point: "text",
    device_name: "text",
    total_bytes: "int8",
    used_bytes: "int8",
    available_bytes: "int8",
    usage_percent: "float8",
    device_id: "text",
    partition: "text",
    created_at: "timestamptz"
  },
  filters: {
    text: ["gateway_id", "agent_id", "host_id", ["device_id", "uid"], "mount_point", "device_name", "partition"],
    fixed: ["usage_percent"],
    integer: ["total_bytes", "used_bytes", "available_bytes"]
  },
  sorts: ["timestamp", "usage_percent", "gateway_id", ["device_id", "uid"], "host_id", "mount_point"],
  order: [["timestamp", "desc"]],
  key: ["timestamp", "device_id", "host_id", "mount_point"],
  groups: [["device_id", "uid"], "mount_point", "device_name", "host_id", "gateway_id", "agent_id"],
  metric: {
    values: ["usage_percent", "used_bytes", "available_bytes", "total_bytes"],
    series: ["device_id", "host_id", "gateway_id", "agent_id", "partition", "mount_point", "device_name"]
  },
  semantics: {
    id: ["gateway_id", "agent_id", "host_id", "device_id"],
    label: ["mount_point"],
    series: "mount_point",
    value: ["usage_percent", "used_bytes", "available_bytes", "total_bytes"],
    units: { usage_percent: "percent", total_bytes: "bytes" },
    y: "usage_percent"
  }
})
