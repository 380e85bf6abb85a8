/** Load of cores. */
import { identifier } from "../../sql/Sql.ts"
import { define } from "../../srql/catalog/Entity.ts"

export const cpuMetrics = define({
  name: "cpu_metrics",
  spellings: ["cpu"],
  relation: identifier("cpu_metrics"),
  tenant: identifier("tenant_id"),
  time: "timestamp",
  columns: {
    timestamp: "timestamptz",
    gateway_id: "text",
    agent_id: "text",
    host_id: "text",
    core_id: "int4",
    usage_percent: "float8",
    frequency_hz: "float8",
    label: "text",
    cluster: "text",
    device_id: "text",
    partition: "text",
    created_at: "timestamptz"
  },
  filters: {
    text: ["gateway_id", "agent_id", "host_id", ["device_id", "uid"], "partition", "cluster", "label"],
    integer: ["core_id"],
    number: ["usage_percent"],
    fixed: ["frequency_hz"]
  },
  sorts: ["timestamp", "usage_percent", "gateway_id", ["device_id", "uid"], "host_id", "partition", "core_id"],
  order: [["timestamp", "desc"]],
  key: ["timestamp", "device_id", "host_id", "core_id"],
  groups: [["device_id", "uid"], "host_id", "core_id", "label", "gateway_id", "agent_id"],
  metric: {
    values: ["usage_percent", "frequency_hz"],
    series: ["device_id", "host_id", "gateway_id", "agent_id", "core_id", "label", "cluster", "partition"]
  },
  semantics: {
    id: ["gateway_id", "agent_id", "host_id", "device_id"],
    label: ["label"],
    value: ["usage_percent", "frequency_hz"],
    units: { usage_percent: "percent", frequency_hz: "hz" },
    y: "usage_percent",
    series: "label"
  }
})
