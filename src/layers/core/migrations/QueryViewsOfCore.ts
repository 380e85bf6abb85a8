/**
 * What core knows under the names that queries have for it: states of services as pollers reported them, pollers as
 * gateways, and agents by what was reported of them. All of the tenant `default`.
 */
import * as QueryViews from "../../postgres/connection/QueryViews.ts"

/** One service keeps its id. */
const serviceId = (row: string): string =>
  `md5(concat_ws(chr(31), ${row}.partition, ${row}.agent_id, ${row}.service_type, ${row}.service_name))::uuid`

const services = `
  select 'default'::text as tenant_id, s.reported_at as timestamp, s.poller_id as gateway_id, s.agent_id,
    ${serviceId("s")} as service_id, s.service_name, s.service_type, s.available, s.message, null::text as details,
    s.partition, s.received_at as created_at
  from service_status_history s`

const gateways = `
  select 'default'::text as tenant_id, p.poller_id as gateway_id, null::text as component_id,
    'report'::text as registration_source, case when p.is_missed then 'inactive' else 'active' end as status,
    null::text as spiffe_identity, p.first_seen_at as first_registered, p.first_seen_at as first_seen,
    p.last_seen_at as last_seen, jsonb_build_object('source_ip', p.source_ip) as metadata, null::text as created_by,
    not p.is_missed as is_healthy,
    (select count(distinct s.agent_id)::int from service_state s where s.poller_id = p.poller_id) as agent_count,
    (select count(*)::int from service_state s where s.poller_id = p.poller_id) as checker_count,
    p.last_seen_at as updated_at, p.partition as partition_id
  from reporting_pollers p`

const agents = `
  select 'default'::text as tenant_id, s.agent_id as uid, s.agent_id as name, 0 as type_id, 'Unknown'::text as type,
    null::text as version, null::text as vendor_name, null::text as uid_alt, null::jsonb as policies,
    max(s.poller_id) as gateway_id, null::text[] as capabilities, null::text as ip,
    min(s.first_seen_at) as first_seen_time, max(s.reported_at) as last_seen_time, min(s.first_seen_at) as created_time,
    max(s.reported_at) as modified_time, null::jsonb as metadata, null::text as config_source
  from service_state s group by s.agent_id`

/** A service is available in a span of five minutes when it was at each of its reports. */
const availability = `
  select 'default'::text as tenant_id, bucket, service_type, service_name, count(*) as total_count,
    count(*) filter (where available) as available_count, count(*) filter (where not available) as unavailable_count
  from (
    select date_bin('5 minutes', reported_at, timestamptz 'epoch') as bucket, poller_id, agent_id, service_type,
      service_name, bool_and(available) as available
    from service_status_history group by 1, 2, 3, 4, 5
  ) as reported
  group by bucket, service_type, service_name`

const views: ReadonlyArray<QueryViews.QueryView> = [
  { name: "service_status", select: services, isSeparated: false },
  { name: "gateways", select: gateways, isSeparated: false },
  { name: "ocsf_agents", select: agents, isSeparated: false },
  { name: "services_availability_5m", select: availability, isSeparated: false }
]

export const queryViews = QueryViews.create(views)

export const dropQueryViews = QueryViews.drop(views)
