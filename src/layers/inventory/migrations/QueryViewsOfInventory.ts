/**
 * Devices under the name that queries have for them. Queries know of one tenant only, `default`; those of others are for
 * whoever asks in their name.
 */
import { schema } from "../../../domain/records/Schema.ts"
import * as QueryViews from "../../postgres/connection/QueryViews.ts"

const devices = `
  select 'default'::text as tenant_id, d.uid, d.type_id::int as type_id, d.type, d.name, d.hostname, d.ip, d.mac,
    d.uid_alt, d.vendor_name, d.model, d.domain, d.zone, d.subnet_uid, d.vlan_uid, d.region, d.first_seen_time,
    d.last_seen_time, d.created_time, d.modified_time, d.risk_level_id::int as risk_level_id, d.risk_level,
    d.risk_score::int as risk_score, d.is_managed, d.is_compliant, d.is_trusted, null::jsonb as os,
    null::jsonb as hw_info, null::jsonb as network_interfaces, null::jsonb as owner, null::jsonb as org,
    null::jsonb as groups, null::jsonb as agent_list, d.poller_id as gateway_id, d.agent_id, d.discovery_sources,
    d.is_available,
    jsonb_strip_nulls(jsonb_build_object('lifecycle', d.lifecycle, 'partition', d.partition_id)) as metadata,
    null::jsonb as tags
  from ${schema}.devices d join ${schema}.tenants t on t.id = d.tenant_id and t.slug = 'default'`

const views: ReadonlyArray<QueryViews.QueryView> = [{ name: "ocsf_devices", select: devices, isSeparated: false }]

export const queryViews = QueryViews.create(views)

export const dropQueryViews = QueryViews.drop(views)
