/** States of services as pollers reported them. */
import { identifier, sql } from "../../sql/Sql.ts"
import { define, type Field } from "../../srql/catalog/Entity.ts"

const serviceType: Field = {
  name: "service_type",
  aliases: ["type"],
  class: "text",
  type: "text",
  sql: identifier("service_type")
}

const serviceName: Field = {
  name: "service_name",
  aliases: ["name"],
  class: "text",
  type: "text",
  sql: identifier("service_name")
}

export const services = define({
  name: "services",
  spellings: ["service"],
  relation: identifier("service_status"),
  tenant: identifier("tenant_id"),
  time: "timestamp",
  columns: {
    timestamp: "timestamptz",
    gateway_id: "text",
    agent_id: "text",
    service_id: "uuid",
    service_name: "text",
    service_type: "text",
    available: "bool",
    message: "text",
    details: "text",
    partition: "text",
    created_at: "timestamptz"
  },
  filters: {
    text: [["service_name", "name"], ["service_type", "type"], "gateway_id", "agent_id", "partition", "message"],
    uuid: ["service_id"],
    bool: ["available"]
  },
  sorts: [["timestamp", "last_seen"], ["service_name", "name"], ["service_type", "type"]],
  order: [["timestamp", "desc"]],
  key: ["timestamp", "service_id"],
  groups: [["service_type", "type"], ["service_name", "name"], "gateway_id", "agent_id", "available"],
  rollups: {
    availability: {
      relation: identifier("services_availability_5m"),
      isClosed: true,
      fields: new Map([
        ["service_type", serviceType],
        ["type", serviceType],
        ["service_name", serviceName],
        ["name", serviceName]
      ]),
      payload: [
        ["total", sql`COALESCE(SUM(total_count), 0)::bigint`],
        ["available", sql`COALESCE(SUM(available_count), 0)::bigint`],
        ["unavailable", sql`COALESCE(SUM(unavailable_count), 0)::bigint`],
        [
          "availability_pct",
          sql`COALESCE(SUM(available_count)::float8 / NULLIF(SUM(total_count), 0) * 100, 0)`
        ]
      ]
    }
  },
  isInventory: true,
  semantics: { id: ["gateway_id", "agent_id"], label: ["service_name"] }
})
