/** What the standalone SRQL service of the existing system writes otherwise than the web application, by entity. */
import type { RowRule, RowRules } from "../srql/plan/RowText.ts"

const seen = { first_seen: "first_seen_time", last_seen: "last_seen_time" } as const

const timeseries: RowRule = { renamed: { device_id: "uid" } }

const host: RowRule = { renamed: { device_id: "uid" }, absent: ["created_at"] }

export const rowRules: RowRules = new Map<string, RowRule>([
  ["agents", { added: seen, defaults: { capabilities: "[]", metadata: "{}" } }],
  ["devices", {
    added: { device_type: "type", ...seen },
    defaults: { discovery_sources: "[]", is_available: "false", metadata: "{}" }
  }],
  ["device_updates", { renamed: { device_id: "uid" }, defaults: { metadata: "{}" } }],
  ["interfaces", {
    added: { uid: "device_id", mac: "if_phys_address" },
    fallbacks: { speed_bps: "if_speed" },
    defaults: { ip_addresses: "[]", metadata: "{}" }
  }],
  ["events", { absent: ["created_at"] }],
  ["logs", { absent: ["created_at"], added: { raw_data: "attributes" }, defaults: { raw_data: "\"\"" } }],
  ["services", { added: { last_seen: "timestamp", uid: "service_id", name: "service_name", type: "service_type" } }],
  ["gateways", { absent: ["partition_id"], defaults: { agent_count: "0", checker_count: "0", metadata: "{}" } }],
  ["otel_metrics", { absent: ["created_at"] }],
  ["traces", { absent: ["created_at"], added: { raw_data: "attributes" }, defaults: { raw_data: "\"\"" } }],
  ["trace_summaries", { defaults: { service_set: "[]", span_count: "0", error_count: "0" } }],
  ["timeseries_metrics", timeseries],
  ["snmp_metrics", timeseries],
  ["rperf_metrics", timeseries],
  ["cpu_metrics", host],
  ["memory_metrics", host],
  ["disk_metrics", host],
  ["process_metrics", host],
  ["alerts", {
    added: { timestamp: "triggered_at" },
    defaults: { escalation_level: "0", notification_count: "0", metadata: "{}", tags: "[]" }
  }]
])
