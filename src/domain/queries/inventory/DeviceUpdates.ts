/** What was said of devices, as it came. */
import { identifier } from "../../sql/Sql.ts"
import { define } from "../../srql/catalog/Entity.ts"

export const deviceUpdates = define({
  name: "device_updates",
  spellings: ["device_update", "updates"],
  relation: identifier("device_updates"),
  tenant: identifier("tenant_id"),
  time: "observed_at",
  columns: {
    observed_at: "timestamptz",
    agent_id: "text",
    gateway_id: "text",
    partition: "text",
    device_id: "text",
    discovery_source: "text",
    ip: "text",
    mac: "text",
    hostname: "text",
    available: "bool",
    metadata: "jsonb",
    created_at: "timestamptz"
  },
  filters: {
    text: [["device_id", "uid"], "gateway_id", "agent_id", "partition", ["discovery_source", "source"]],
    textOnly: ["ip", "mac", "hostname"],
    flag: [["available", "is_available"]]
  },
  sorts: [["observed_at", "timestamp"], ["device_id", "uid"]],
  order: [["observed_at", "desc"]],
  key: ["observed_at", "device_id", "agent_id"],
  groups: ["discovery_source", "agent_id", "gateway_id", "partition"],
  semantics: { id: ["device_id", "agent_id", "gateway_id"] }
})
