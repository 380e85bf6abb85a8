-- migrate:up
create table maintenance_windows (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  title text collate "C" not null,
  state text collate "C" not null,
  begins_at timestamptz not null,
  ends_at timestamptz not null,
  started_by text collate "C",
  note text collate "C",
  constraint maintenance_windows_pkey primary key (tenant_id, id),
  constraint maintenance_windows_title_key unique (tenant_id, title)
);
select serviceradar_separate('maintenance_windows', 'tenant_id', 'select, insert, update');

-- migrate:down
drop table maintenance_windows;
