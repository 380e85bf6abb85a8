/**
 * What the graph of a device is made of and no other table has: services as they are now, and interfaces that core keeps itself, under
 * the name that queries have for interfaces. The people of a tenant see their own.
 */
import { Effect } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import { schema as home } from "../../../domain/records/Schema.ts"
import * as QueryViews from "../../postgres/connection/QueryViews.ts"
import * as RowSecurity from "../../postgres/connection/RowSecurity.ts"

const services = `
  select 'default'::text as tenant_id, s.reported_at as timestamp, s.poller_id as gateway_id, s.agent_id, s.service_type,
    s.service_name, s.available
  from service_state s`

const interfaces = `
  select t.slug collate "default" as tenant_id, i.timestamp, i.agent_id, i.poller_id as gateway_id, i.device_ip, i.device_id,
    'ifindex:' || i.if_index as interface_uid, i.if_index, i.if_name, i.if_descr, i.if_alias, null::bigint as if_type,
    null::text as if_type_name, null::text as interface_kind, i.if_speed, i.if_speed as speed_bps, null::bigint as mtu,
    null::text as duplex, i.if_phys_address, i.ip_addresses, i.if_admin_status, i.if_oper_status, null::jsonb as metadata,
    null::jsonb as available_metrics, i.created_at
  from ${home}.device_interfaces i join ${home}.tenants t on t.id = i.tenant_id`

/** Nobody can set any here yet. */
const interfaceSettings = `
  select null::text as tenant_id, null::text as device_id, null::text as interface_uid, null::boolean as favorited,
    null::boolean as metrics_enabled
  where false`

const views: ReadonlyArray<QueryViews.QueryView> = [
  { name: "current_services", select: services, isSeparated: true },
  { name: "discovered_interfaces", select: interfaces, isSeparated: true },
  { name: "interface_settings", select: interfaceSettings, isSeparated: true }
]

/** As for devices, see `QueriesOfTenants`. */
const allowed = `do $body$ begin
    if current_setting('server_version_num')::int >= 150000
      and exists (select from pg_roles where rolname = '${RowSecurity.role}') then
      drop policy if exists rows_of_asker on ${home}.device_interfaces;
      create policy rows_of_asker on ${home}.device_interfaces for select to ${RowSecurity.role}
        using (tenant_id = (select id from ${home}.tenants
          where slug = coalesce(current_setting('${RowSecurity.setting}', true), '')));
      grant select on ${home}.device_interfaces to ${RowSecurity.role};
    end if;
  exception when insufficient_privilege then
    raise notice 'interfaces are not for the questions of tenants: %', sqlerrm;
  end $body$`

const withdrawn = `do $body$ begin
    drop policy if exists rows_of_asker on ${home}.device_interfaces;
    if exists (select from pg_roles where rolname = '${RowSecurity.role}') then
      revoke select on ${home}.device_interfaces from ${RowSecurity.role};
    end if;
  end $body$`

const run = (statement: string) => SqlClient.SqlClient.use((sql) => sql.unsafe(statement))

export const up = Effect.gen(function*() {
  yield* QueryViews.create(views)
  yield* run(allowed)
})

export const down = Effect.gen(function*() {
  yield* run(withdrawn)
  yield* QueryViews.drop(views)
})
