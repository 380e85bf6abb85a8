-- What all resources have in common: the role in which their rows are read and written, who sees which rows, the audit and
-- the events.
--
-- A table of a resource calls serviceradar_separate after it is made.

-- migrate:up
-- Somebody else may make it at the same time, or we may not: both are no failure.
do $body$ begin
  if not exists (select from pg_roles where rolname = 'serviceradar_app') then
    create role serviceradar_app nologin nosuperuser nobypassrls;
  end if;
  if not pg_has_role('serviceradar_app', 'member') then grant serviceradar_app to current_user; end if;
exception when insufficient_privilege or duplicate_object or unique_violation then
  raise notice 'no role serviceradar_app: %', sqlerrm;
end $body$;

-- Whoever names no tenant sees all, as migrations and backups must, but never in the role of the application.
create function serviceradar_sees(tenant uuid) returns boolean language sql stable as $body$
  select case coalesce(current_setting('serviceradar.tenant', true), '')
    when '' then current_user <> 'serviceradar_app'
    when '*' then true
    else tenant = current_setting('serviceradar.tenant')::uuid
  end
$body$;

create function serviceradar_separate(home regclass, tenant text, may text) returns void language plpgsql as $body$
begin
  execute format('alter table %s enable row level security, force row level security', home);
  execute format('drop policy if exists rows_of_tenant on %s', home);
  execute format('create policy rows_of_tenant on %s using (serviceradar_sees(%I)) with check (serviceradar_sees(%2$I))',
    home, tenant);
  if exists (select from pg_roles where rolname = 'serviceradar_app') then
    execute format('grant %s on %s to serviceradar_app', may, home);
  end if;
end
$body$;

create table audit_entries (
  tenant_id uuid not null,
  id bigint generated always as identity,
  at timestamptz not null,
  actor_id text not null,
  actor_name text not null,
  resource text not null,
  action text not null,
  record_key text not null,
  outcome text not null,
  reason text not null,
  request_id text not null,
  changes jsonb not null,
  constraint audit_entries_pkey primary key (tenant_id, id)
);
create index audit_entries_newest on audit_entries (tenant_id, at desc, id desc);
create index audit_entries_of_record on audit_entries (tenant_id, resource, record_key);
select serviceradar_separate('audit_entries', 'tenant_id', 'select, insert');

create table record_events (
  id bigint generated always as identity primary key,
  tenant_id uuid not null,
  at timestamptz not null,
  resource text not null,
  action text not null,
  record_key text not null,
  -- As others may see it; null when it is no more.
  record jsonb
);
select serviceradar_separate('record_events', 'tenant_id', 'select, insert');

do $body$ begin
  if exists (select from pg_roles where rolname = 'serviceradar_app') then
    execute format('grant usage on schema %I to serviceradar_app', current_schema());
  end if;
end $body$;

-- migrate:down
drop table record_events, audit_entries;
drop function serviceradar_separate;
drop function serviceradar_sees;
