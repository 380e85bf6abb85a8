/**
 * What the questions of a tenant's people may read of core's own tables: devices, of all tenants now, and for the first tenant
 * what pollers report, which is nobody else's.
 *
 * A tenant is told by its short name, as everywhere in queries; policies of records know it by its id.
 */
import { Effect } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import { schema } from "../../../domain/records/Schema.ts"
import * as QueryViewsOfInventory from "../../inventory/migrations/QueryViewsOfInventory.ts"
import * as QueryViews from "../../postgres/connection/QueryViews.ts"
import * as RowSecurity from "../../postgres/connection/RowSecurity.ts"

const home = schema
/** The first tenant's, see the migrations of identity. */
const firstTenant = "default"

const told = `coalesce(current_setting('${RowSecurity.setting}', true), '')`

/** As it was, but that a short name may be no id, and that the role of queries sees by its own policies alone. */
const sees =
  `create or replace function ${home}.serviceradar_sees(tenant uuid) returns boolean language sql stable as $sees$
  select current_user <> '${RowSecurity.role}' and case coalesce(current_setting('serviceradar.tenant', true), '')
    when '' then current_user <> 'serviceradar_app'
    when '*' then true
    else tenant::text = current_setting('serviceradar.tenant')
  end
$sees$`

const seesBefore =
  `create or replace function ${home}.serviceradar_sees(tenant uuid) returns boolean language sql stable as $sees$
  select case coalesce(current_setting('serviceradar.tenant', true), '')
    when '' then current_user <> 'serviceradar_app'
    when '*' then true
    else tenant = current_setting('serviceradar.tenant')::uuid
  end
$sees$`

const devices = `
  select t.slug collate "default" as tenant_id, d.uid, d.type_id::int as type_id, d.type, d.name, d.hostname, d.ip, d.mac, d.uid_alt,
    d.vendor_name, d.model, d.domain, d.zone, d.subnet_uid, d.vlan_uid, d.region, d.first_seen_time, d.last_seen_time,
    d.created_time, d.modified_time, d.risk_level_id::int as risk_level_id, d.risk_level, d.risk_score::int as risk_score,
    d.is_managed, d.is_compliant, d.is_trusted, null::jsonb as os, null::jsonb as hw_info,
    null::jsonb as network_interfaces, null::jsonb as owner, null::jsonb as org,
    case when d.group_id is not null then jsonb_build_array(jsonb_build_object('uid', d.group_id)) end as groups,
    case when d.agent_id is not null then jsonb_build_array(jsonb_build_object('uid', d.agent_id)) end as agent_list,
    d.poller_id as gateway_id, d.agent_id, d.discovery_sources, d.is_available,
    jsonb_strip_nulls(jsonb_build_object('lifecycle', d.lifecycle, 'partition', d.partition_id)) as metadata,
    null::jsonb as tags
  from ${home}.devices d join ${home}.tenants t on t.id = d.tenant_id`

const views: ReadonlyArray<QueryViews.QueryView> = [{ name: "ocsf_devices", select: devices, isSeparated: true }]

const statusTables = ["service_status_history", "service_state", "reporting_pollers"]
const statusViews = ["service_status", "gateways", "ocsf_agents", "services_availability_5m"]

/** Tables of one tenant alone; whoever names none sees all of them, as before. */
const ofFirstTenant = (table: string): string => `
  alter table ${table} enable row level security;
  drop policy if exists rows_of_tenant on ${table};
  create policy rows_of_tenant on ${table}
    using (current_user <> '${RowSecurity.role}' or ${told} = '${firstTenant}');
  grant select on ${table} to ${RowSecurity.role};`

const toQueries = `
  drop policy if exists rows_of_asker on ${home}.tenants;
  create policy rows_of_asker on ${home}.tenants for select to ${RowSecurity.role} using (slug = ${told});
  grant select (id, slug) on ${home}.tenants to ${RowSecurity.role};
  drop policy if exists rows_of_asker on ${home}.devices;
  create policy rows_of_asker on ${home}.devices for select to ${RowSecurity.role}
    using (tenant_id = (select id from ${home}.tenants where slug = ${told}));
  grant select on ${home}.devices to ${RowSecurity.role};
  ${statusTables.map(ofFirstTenant).join("\n")}
  ${statusViews.map((view) => `grant select on ${QueryViews.schema}.${view} to ${RowSecurity.role};`).join("\n")}`

/** Before PostgreSQL 15 a view reads in the name of its owner, whom no policy stops. */
const allowed = `do $body$ begin
    if current_setting('server_version_num')::int >= 150000
      and exists (select from pg_roles where rolname = '${RowSecurity.role}') then
      ${toQueries}
    end if;
  exception when insufficient_privilege or undefined_table then
    raise notice 'core''s own tables are not for the questions of tenants: %', sqlerrm;
  end $body$`

const withdrawn = `do $body$ begin
    drop policy if exists rows_of_asker on ${home}.devices;
    drop policy if exists rows_of_asker on ${home}.tenants;
    ${
  statusTables.map((table) =>
    `drop policy if exists rows_of_tenant on ${table}; alter table ${table} disable row level security;`
  ).join("\n")
}
    if exists (select from pg_roles where rolname = '${RowSecurity.role}') then
      revoke select on ${[`${home}.devices`, `${home}.tenants`, ...statusTables].join(", ")} from ${RowSecurity.role};
    end if;
  end $body$`

/** Newest of all tenants, as operators ask for them. */
const newest = `create index if not exists devices_newest on ${home}.devices (last_seen_time desc, uid desc)`

const inOrder = (statements: ReadonlyArray<string>) =>
  SqlClient.SqlClient.use((sql) => Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true }))

export const up = Effect.gen(function*() {
  yield* RowSecurity.prepareRole
  yield* inOrder([sees, newest])
  yield* QueryViews.create(views)
  yield* inOrder([allowed])
})

export const down = Effect.gen(function*() {
  yield* inOrder([withdrawn])
  yield* QueryViews.drop(views)
  yield* QueryViewsOfInventory.queryViews
  yield* inOrder([`drop index if exists ${home}.devices_newest`, seesBefore])
})
