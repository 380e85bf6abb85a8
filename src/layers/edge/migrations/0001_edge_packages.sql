-- What new pollers, agents and checkers are set up with.

-- migrate:up
create table edge_packages (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  label text collate "C" not null,
  component_id text collate "C" not null,
  component_type text collate "C" not null,
  parent_type text collate "C",
  parent_id text collate "C",
  poller_id text collate "C" not null,
  -- Null for what is revoked or deleted: another may be set up as it then.
  component text collate "C",
  site text collate "C",
  security_mode text collate "C" not null,
  metadata_json text collate "C" not null,
  checker_kind text collate "C",
  checker_config_json text collate "C",
  notes text collate "C",
  state text collate "C" not null,
  token_hash text collate "C",
  token_expires_at timestamptz not null,
  created_by text collate "C",
  created_at timestamptz not null,
  updated_at timestamptz not null,
  delivered_at timestamptz,
  delivered_to text collate "C",
  revoked_at timestamptz,
  revoked_by text collate "C",
  revoked_reason text collate "C",
  deleted_at timestamptz,
  deleted_by text collate "C",
  constraint edge_packages_pkey primary key (tenant_id, id),
  constraint edge_packages_component_key unique (tenant_id, component)
);
create index edge_packages_by_age on edge_packages (tenant_id, created_at desc, id desc);
select serviceradar_separate('edge_packages', 'tenant_id', 'select, insert, update');

-- migrate:down
drop table edge_packages;
