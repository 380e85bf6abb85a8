/** Interfaces of devices, each time they were discovered, under the policies of interfaces. */
import { Interface } from "../../inventory/devices/Interface.ts"
import { empty, identifier, type Sql, sql } from "../../sql/Sql.ts"
import { define } from "../../srql/catalog/Entity.ts"
import { governedBy } from "../../srql/catalog/ResourceEntity.ts"

/** The newest value of a counter of the interface, by the name that SNMP has for it. */
const newest = (counter: Sql, as: Sql, ofTenant: Sql): Sql =>
  sql`LEFT JOIN LATERAL (SELECT value FROM timeseries_metrics tm WHERE tm.metric_type = 'snmp' AND tm.metric_name = '${counter}' AND tm.device_id = di.device_id AND tm.if_index = di.if_index${ofTenant} ORDER BY tm.timestamp DESC LIMIT 1) AS ${as} ON TRUE`

const joined = (settings: Sql, metrics: Sql): Sql =>
  sql`discovered_interfaces di
    LEFT JOIN interface_settings ifs ON ifs.device_id = di.device_id AND ifs.interface_uid = di.interface_uid${settings}
    ${newest(sql`ifInErrors`, sql`errors_in`, metrics)}
    ${newest(sql`ifOutErrors`, sql`errors_out`, metrics)}`

const discovered = define({
  name: "interfaces",
  spellings: ["interface", "discovered_interfaces"],
  relation: identifier("discovered_interfaces"),
  tenant: sql`di.tenant_id`,
  time: "timestamp",
  columns: {
    timestamp: "timestamptz",
    agent_id: "text",
    gateway_id: "text",
    device_ip: "text",
    device_id: "text",
    interface_uid: "text",
    if_index: "int8",
    if_name: "text",
    if_descr: "text",
    if_alias: "text",
    if_type: "int8",
    if_type_name: "text",
    interface_kind: "text",
    if_speed: "int8",
    speed_bps: "int8",
    mtu: "int8",
    duplex: "text",
    if_phys_address: "text",
    ip_addresses: "text_array",
    if_admin_status: "int8",
    if_oper_status: "int8",
    metadata: "jsonb",
    available_metrics: "jsonb",
    in_errors: "float8",
    out_errors: "float8",
    created_at: "timestamptz",
    favorited: "bool",
    metrics_enabled: "bool"
  },
  filters: {
    text: [
      ["device_id", "uid"],
      ["device_ip", "ip"],
      "gateway_id",
      "agent_id",
      "interface_uid",
      "if_name",
      ["if_descr", "description"],
      "if_alias",
      "if_type_name",
      "interface_kind",
      "duplex"
    ],
    integer: [
      "if_index",
      "if_type",
      ["if_admin_status", "admin_status"],
      ["if_oper_status", "oper_status", "status"],
      "mtu"
    ],
    bool: ["favorited", "metrics_enabled"],
    mac: [["if_phys_address", "mac"]],
    containsAll: [["ip_addresses", "ip_address"]]
  },
  sorts: [
    "timestamp",
    "device_ip",
    ["device_id", "uid"],
    "interface_uid",
    "if_name",
    "if_descr",
    "if_index",
    "if_type",
    "if_type_name",
    "interface_kind",
    ["speed_bps", "if_speed", "speed"],
    "mtu"
  ],
  order: [["timestamp", "desc"], ["created_at", "desc"]],
  key: ["device_id", "interface_uid", "timestamp"],
  alias: sql`di`,
  from: joined(empty, empty),
  fromOfTenant: joined(sql` AND ifs.tenant_id = di.tenant_id`, sql` AND tm.tenant_id = di.tenant_id`),
  computed: {
    favorited: sql`COALESCE(ifs.favorited, false)`,
    metrics_enabled: sql`COALESCE(ifs.metrics_enabled, false)`,
    in_errors: sql`errors_in.value`,
    out_errors: sql`errors_out.value`
  },
  more: [{
    name: "speed_bps",
    aliases: ["if_speed", "speed"],
    class: "integer",
    type: "int8",
    sql: sql`COALESCE(di.speed_bps, di.if_speed)`
  }],
  latest: {
    of: [sql`di.device_id`, sql`di.interface_uid`],
    newest: sql`di.timestamp DESC, di.created_at DESC`
  },
  groups: ["device_id", "if_type_name", "interface_kind", "if_oper_status", "if_admin_status"],
  semantics: { id: ["device_id", "interface_uid", "agent_id", "gateway_id"], label: ["if_name"] }
})

export const interfaces = governedBy(Interface, discovered, { shownAs: { poller_id: ["gateway_id"] } })
