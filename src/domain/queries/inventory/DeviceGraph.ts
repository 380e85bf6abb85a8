/**
 * A device and what is known of its surroundings, as one document: who collects for it, the services that these report, and its
 * interfaces as they were seen last. The existing system asks its graph database; this is what plain tables tell, in the same keys.
 */
import { Device } from "../../inventory/devices/Device.ts"
import { empty, identifier, type Sql, sql } from "../../sql/Sql.ts"
import { define } from "../../srql/catalog/Entity.ts"
import { governedBy } from "../../srql/catalog/ResourceEntity.ts"

/** The documents of a device that reports very much stay small. */
const most = sql`1000`

const collectors = (ofTenant: (alias: Sql) => Sql): Sql =>
  sql`(SELECT coalesce(jsonb_agg(c.collector), '[]') FROM (
      SELECT jsonb_build_object('id', d.agent_id, 'type', 'agent', 'name', a.name, 'ip', a.ip, 'version', a.version,
        'last_seen', a.last_seen_time) AS collector
      FROM (SELECT 1) AS one LEFT JOIN ocsf_agents a ON a.uid = d.agent_id${ofTenant(sql`a`)} WHERE d.agent_id <> ''
      UNION ALL
      SELECT jsonb_build_object('id', d.gateway_id, 'type', 'gateway', 'status', g.status, 'is_healthy', g.is_healthy,
        'last_seen', g.last_seen)
      FROM (SELECT 1) AS one LEFT JOIN gateways g ON g.gateway_id = d.gateway_id${
    ofTenant(sql`g`)
  } WHERE d.gateway_id <> ''
    ) AS c) AS collectors`

const services = (ofTenant: (alias: Sql) => Sql): Sql =>
  sql`(SELECT coalesce(jsonb_agg(s.service), '[]') FROM (
      SELECT jsonb_build_object('service', s.service_name, 'type', s.service_type, 'available', s.available,
        'last_seen', s.timestamp, 'collector_id', s.agent_id, 'collector_owned', true) AS service
      FROM current_services s WHERE s.agent_id = d.agent_id${ofTenant(sql`s`)}
      ORDER BY s.service_name, s.service_type LIMIT ${most}
    ) AS s) AS services`

const interfaces = (ofTenant: (alias: Sql) => Sql): Sql =>
  sql`(SELECT coalesce(jsonb_agg(i.interface), '[]') FROM (
      SELECT DISTINCT ON (i.interface_uid) jsonb_build_object('id', i.interface_uid, 'if_index', i.if_index,
        'name', i.if_name, 'descr', i.if_descr, 'alias', i.if_alias, 'mac', i.if_phys_address,
        'ip_addresses', i.ip_addresses, 'speed_bps', coalesce(i.speed_bps, i.if_speed), 'admin_status', i.if_admin_status,
        'oper_status', i.if_oper_status, 'last_seen', i.timestamp) AS interface
      FROM discovered_interfaces i WHERE i.device_id = d.uid${ofTenant(sql`i`)}
      ORDER BY i.interface_uid, i.timestamp DESC LIMIT ${most}
    ) AS i) AS interfaces`

/** Written out where the names of tables are looked for, so that whoever has tables of their own is answered from these. */
const from = (ofTenant: (alias: Sql) => Sql, tenant: Sql): Sql =>
  sql`(SELECT ${tenant}d.uid, d.gateway_id, d.agent_id,
    jsonb_build_object('id', d.uid, 'uid', d.uid, 'hostname', d.hostname, 'name', d.name, 'ip', d.ip, 'mac', d.mac,
      'type', d.type, 'vendor_name', d.vendor_name, 'model', d.model, 'is_available', d.is_available,
      'gateway_id', d.gateway_id, 'agent_id', d.agent_id, 'last_seen', d.last_seen_time) AS device,
    ${collectors(ofTenant)}, ${services(ofTenant)}, ${interfaces(ofTenant)} FROM ocsf_devices d) AS device_graph`

export const deviceGraph = governedBy(
  Device,
  define({
    name: "device_graph",
    spellings: ["devicegraph", "graph"],
    relation: identifier("device_graph"),
    from: from(() => empty, empty),
    fromOfTenant: from((alias) => sql` AND ${alias}.tenant_id = d.tenant_id`, sql`d.tenant_id, `),
    tenant: identifier("tenant_id"),
    time: null,
    columns: { uid: "text", result: "jsonb" },
    hidden: ["uid"],
    filters: { equality: [["uid", "device_id"]] },
    sorts: [],
    order: [],
    key: [],
    isInventory: true,
    document: {
      of: "uid",
      switches: new Map([
        ["collector_owned", { aliases: ["collector_owned_only"], isOn: false }],
        ["include_topology", { aliases: [], isOn: true }]
      ]),
      written: (isOn) =>
        sql`jsonb_build_object('device', device, 'collectors', collectors, 'services', services, 'targets', '[]'::jsonb,
      'interfaces', ${isOn("include_topology") ? sql`interfaces` : sql`'[]'::jsonb`}, 'peer_interfaces', '[]'::jsonb,
      'device_capabilities', '[]'::jsonb, 'service_capabilities', '[]'::jsonb)`,
      missing:
        "no table tells of targets, peer_interfaces, device_capabilities and service_capabilities: they are empty"
    }
  })
)
