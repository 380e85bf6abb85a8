-- What devices are known by, which of them turned out to be one, and their interfaces.

-- migrate:up
create table device_identifiers (
  tenant_id uuid not null,
  id uuid not null,
  device_id text collate "C" not null,
  identifier_type text collate "C" not null,
  identifier_value text collate "C" not null,
  partition text collate "C" not null,
  confidence text collate "C" not null,
  source text collate "C",
  first_seen timestamptz not null,
  last_seen timestamptz not null,
  verified boolean not null,
  constraint device_identifiers_pkey primary key (tenant_id, id),
  constraint device_identifiers_value_key unique (tenant_id, partition, identifier_type, identifier_value),
  constraint device_identifiers_device_id_fkey foreign key (tenant_id, device_id) references devices (tenant_id, uid)
    on delete cascade
);
create index device_identifiers_by_device on device_identifiers (tenant_id, device_id);
create index device_identifiers_by_value on device_identifiers (tenant_id, identifier_value);
select serviceradar_separate('device_identifiers', 'tenant_id', 'select, insert, update, delete');

-- A merge is remembered longer than the devices that it was of.
create table merge_audits (
  tenant_id uuid not null references tenants (id),
  event_id uuid not null,
  from_device_id text collate "C" not null,
  to_device_id text collate "C" not null,
  reason text collate "C",
  confidence_score double precision,
  source text collate "C",
  created_at timestamptz not null,
  constraint merge_audits_pkey primary key (tenant_id, event_id)
);
create index merge_audits_by_origin on merge_audits (tenant_id, from_device_id);
create index merge_audits_by_outcome on merge_audits (tenant_id, to_device_id);
select serviceradar_separate('merge_audits', 'tenant_id', 'select, insert');

create table device_interfaces (
  tenant_id uuid not null,
  id uuid not null,
  device_id text collate "C" not null,
  if_index bigint not null,
  timestamp timestamptz not null,
  agent_id text collate "C",
  poller_id text collate "C",
  device_ip text collate "C",
  if_name text collate "C",
  if_descr text collate "C",
  if_alias text collate "C",
  if_phys_address text collate "C",
  if_speed bigint,
  ip_addresses text[] not null,
  if_admin_status bigint,
  if_oper_status bigint,
  created_at timestamptz not null,
  constraint device_interfaces_pkey primary key (tenant_id, id),
  constraint device_interfaces_index_key unique (tenant_id, device_id, if_index),
  constraint device_interfaces_device_id_fkey foreign key (tenant_id, device_id) references devices (tenant_id, uid)
    on delete cascade
);
select serviceradar_separate('device_interfaces', 'tenant_id', 'select, insert, update, delete');

create table device_alias_states (
  tenant_id uuid not null,
  id uuid not null,
  device_id text collate "C" not null,
  partition text collate "C",
  alias_type text collate "C" not null,
  alias_value text collate "C" not null,
  state text collate "C" not null,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  sighting_count bigint not null,
  previous_alias_id uuid,
  replaced_by_alias_id uuid,
  constraint device_alias_states_pkey primary key (tenant_id, id),
  constraint device_alias_states_alias_key unique (tenant_id, device_id, alias_type, alias_value),
  constraint device_alias_states_device_id_fkey foreign key (tenant_id, device_id) references devices (tenant_id, uid)
    on delete cascade
);
select serviceradar_separate('device_alias_states', 'tenant_id', 'select, insert, update, delete');

-- migrate:down
drop table device_alias_states, device_interfaces, merge_audits, device_identifiers;
