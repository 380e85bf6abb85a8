/**
 * What the questions of a tenant's people may read of the tables of resources, which stand in the catalog by their declarations: what
 * is public of them, and what their policies look at. A hash of a secret is not for the role of queries at all.
 *
 * An attribute that becomes public has to be granted by a migration of its own; a test compares declarations and grants.
 */
import * as SqlClient from "effect/sql/SqlClient"
import { schema as home } from "../../../domain/records/Schema.ts"
import * as RowSecurity from "../../postgres/connection/RowSecurity.ts"

/** Tenants have their policy already, see `QueriesOfTenants`. */
const tenants = "name, status, plan, max_devices, max_users, contact_email, contact_name, inserted_at, updated_at"

type Tables = Readonly<Record<string, string>>

const tables: Tables = {
  users: "tenant_id, id, email, display_name, role, is_super_user, confirmed_at, authenticated_at, failed_sign_ins, " +
    "last_failed_at, locked_until, inserted_at, updated_at",
  api_tokens: "tenant_id, id, user_id, name, description, token_prefix, scope, enabled, expires_at, last_used_at, " +
    "last_used_ip, use_count, revoked_at, revoked_by, created_at",
  sessions: "tenant_id, id, user_id, kind, address, created_at, expires_at, ended_at",
  sign_in_links: "tenant_id, id, user_id, state, origin, created_at, expires_at, used_at",
  audit_entries: "tenant_id, id, at, actor_id, actor_name, resource, action, record_key, outcome, reason, request_id",
  device_groups: "tenant_id, id, name, \"desc\", type, parent_id, created_at, updated_at",
  device_identifiers: "tenant_id, id, device_id, identifier_type, identifier_value, partition, confidence, source, " +
    "first_seen, last_seen, verified",
  merge_audits: "tenant_id, event_id, from_device_id, to_device_id, reason, confidence_score, source, created_at",
  device_alias_states:
    "tenant_id, id, device_id, partition, alias_type, alias_value, state, first_seen_at, last_seen_at, " +
    "sighting_count, previous_alias_id, replaced_by_alias_id"
}

const toQueries = ([table, columns]: readonly [string, string]): string => `
  drop policy if exists rows_of_asker on ${home}.${table};
  create policy rows_of_asker on ${home}.${table} for select to ${RowSecurity.role}
    using (tenant_id = (select id from ${home}.tenants
      where slug = coalesce(current_setting('${RowSecurity.setting}', true), '')));
  grant select (${columns}) on ${home}.${table} to ${RowSecurity.role};`

/** Each is a step of its own: what is public later is granted later. */
const edgePackages: Tables = {
  edge_packages:
    "tenant_id, id, label, component_id, component_type, parent_type, parent_id, poller_id, site, security_mode, " +
    "metadata_json, checker_kind, notes, state, token_expires_at, created_by, created_at, updated_at, " +
    "delivered_at, delivered_to, revoked_at, revoked_by, revoked_reason, deleted_at, deleted_by"
}

/** They are read by the schema's name, which is no permission by itself. `more` goes with the first of them. */
const allowed = (some: Tables, more = ""): string =>
  `do $body$ begin
    if exists (select from pg_roles where rolname = '${RowSecurity.role}') then
      grant usage on schema ${home} to ${RowSecurity.role};
      ${more}
      ${Object.entries(some).map(toQueries).join("\n")}
    end if;
  exception when insufficient_privilege then
    raise notice 'resources are not for the questions of tenants: %', sqlerrm;
  end $body$`

const withdrawn = (some: Tables, more = ""): string =>
  `do $body$ begin
    ${Object.keys(some).map((table) => `drop policy if exists rows_of_asker on ${home}.${table};`).join("\n")}
    if exists (select from pg_roles where rolname = '${RowSecurity.role}') then
      ${more}
      ${
    Object.entries(some).map(([table, columns]) =>
      `revoke select (${columns}) on ${home}.${table} from ${RowSecurity.role};`
    ).join("\n")
  }
    end if;
  end $body$`

const run = (statement: string) => SqlClient.SqlClient.use((sql) => sql.unsafe(statement))

export const first = {
  up: run(allowed(tables, `grant select (${tenants}) on ${home}.tenants to ${RowSecurity.role};`)),
  down: run(withdrawn(tables, `revoke select (${tenants}) on ${home}.tenants from ${RowSecurity.role};`))
}

export const ofEdgePackages = { up: run(allowed(edgePackages)), down: run(withdrawn(edgePackages)) }

const activation = "activated_at, activated_from"

/** What the table has more of, under the policy that it has. */
const granted = (statement: string) =>
  `do $body$ begin
    if exists (select from pg_roles where rolname = '${RowSecurity.role}') then ${statement}; end if;
  exception when insufficient_privilege then
    raise notice 'resources are not for the questions of tenants: %', sqlerrm;
  end $body$`

export const ofActivation = {
  up: run(granted(`grant select (${activation}) on ${home}.edge_packages to ${RowSecurity.role}`)),
  down: run(granted(`revoke select (${activation}) on ${home}.edge_packages from ${RowSecurity.role}`))
}
