/** The device inventory, under the policies of devices. */
import { Device } from "../../inventory/devices/Device.ts"
import { identifier, sql } from "../../sql/Sql.ts"
import { define } from "../../srql/catalog/Entity.ts"
import { type Differing, governedBy } from "../../srql/catalog/ResourceEntity.ts"

/** As the view of core's own devices has them. */
export const differing: Differing = {
  shownAs: {
    poller_id: ["gateway_id"],
    agent_id: ["agent_id", "agent_list"],
    group_id: ["groups"],
    partition_id: ["metadata"]
  },
  within: { partitionId: sql`(metadata->>'partition')` }
}

export const devices = governedBy(
  Device,
  define({
    name: "devices",
    spellings: ["device", "device_inventory"],
    relation: identifier("ocsf_devices"),
    tenant: identifier("tenant_id"),
    time: "last_seen_time",
    columns: {
      uid: "text",
      type_id: "int4",
      type: "text",
      name: "text",
      hostname: "text",
      ip: "text",
      mac: "text",
      uid_alt: "text",
      vendor_name: "text",
      model: "text",
      domain: "text",
      zone: "text",
      subnet_uid: "text",
      vlan_uid: "text",
      region: "text",
      first_seen_time: "timestamptz",
      last_seen_time: "timestamptz",
      created_time: "timestamptz",
      modified_time: "timestamptz",
      risk_level_id: "int4",
      risk_level: "text",
      risk_score: "int4",
      is_managed: "bool",
      is_compliant: "bool",
      is_trusted: "bool",
      os: "jsonb",
      hw_info: "jsonb",
      network_interfaces: "jsonb",
      owner: "jsonb",
      org: "jsonb",
      groups: "jsonb",
      agent_list: "jsonb",
      gateway_id: "text",
      agent_id: "text",
      discovery_sources: "text_array",
      is_available: "bool",
      metadata: "jsonb",
      tags: "jsonb"
    },
    filters: {
      text: [["uid", "device_id"]],
      textOnly: ["hostname", "mac"],
      address: ["ip"],
      equality: ["gateway_id", "agent_id", ["type", "device_type"], "vendor_name", "model", "risk_level"],
      integer: ["type_id"],
      bool: ["is_available"],
      keys: ["tags"],
      containsAll: ["discovery_sources"]
    },
    sorts: [["uid", "device_id"], ["first_seen_time", "first_seen"], ["last_seen_time", "last_seen"], "type_id"],
    order: [["last_seen_time", "desc"], ["uid", "desc"]],
    key: ["uid"],
    hidden: ["tags"],
    documents: ["metadata", "tags"],
    more: [
      { name: "os.name", aliases: [], class: "json", type: "text", sql: sql`os->>'name'` },
      { name: "os.version", aliases: [], class: "json", type: "text", sql: sql`os->>'version'` },
      { name: "os.type", aliases: [], class: "json", type: "text", sql: sql`os->>'type'` },
      { name: "hw_info.serial_number", aliases: [], class: "json", type: "text", sql: sql`hw_info->>'serial_number'` },
      { name: "hw_info.cpu_type", aliases: [], class: "json", type: "text", sql: sql`hw_info->>'cpu_type'` },
      {
        name: "hw_info.cpu_architecture",
        aliases: [],
        class: "json",
        type: "text",
        sql: sql`hw_info->>'cpu_architecture'`
      }
    ],
    groups: [
      ["type", "device_type"],
      ["vendor_name", "vendor"],
      ["risk_level", "risk"],
      ["is_available", "available"],
      "gateway_id"
    ],
    groupSql: {
      type: sql`COALESCE(type, 'Unknown')`,
      vendor_name: sql`COALESCE(vendor_name, 'Unknown')`,
      risk_level: sql`COALESCE(risk_level, 'Unknown')`,
      is_available: sql`COALESCE(is_available, false)`
    },
    isInventory: true,
    semantics: { id: ["uid", "gateway_id", "agent_id"], label: ["hostname"] }
  }),
  differing
)
