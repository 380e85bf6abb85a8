-- Devices and their groups.

-- migrate:up
create table device_groups (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  name text collate "C" not null,
  "desc" text collate "C",
  type text collate "C" not null,
  parent_id uuid,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint device_groups_pkey primary key (tenant_id, id),
  constraint device_groups_name_key unique (tenant_id, name),
  constraint device_groups_parent_id_fkey foreign key (tenant_id, parent_id) references device_groups (tenant_id, id)
);
select serviceradar_separate('device_groups', 'tenant_id', 'select, insert, update, delete');

create table devices (
  tenant_id uuid not null references tenants (id),
  uid text collate "C" not null,
  lifecycle text collate "C" not null,
  type_id bigint not null,
  type text collate "C",
  name text collate "C",
  hostname text collate "C",
  ip text collate "C",
  mac text collate "C",
  uid_alt text collate "C",
  vendor_name text collate "C",
  model text collate "C",
  domain text collate "C",
  zone text collate "C",
  subnet_uid text collate "C",
  vlan_uid text collate "C",
  region text collate "C",
  first_seen_time timestamptz not null,
  last_seen_time timestamptz not null,
  created_time timestamptz not null,
  modified_time timestamptz not null,
  risk_level_id bigint,
  risk_level text collate "C",
  risk_score bigint,
  is_managed boolean not null,
  is_compliant boolean,
  is_trusted boolean not null,
  is_available boolean not null,
  poller_id text collate "C",
  agent_id text collate "C",
  discovery_sources text[] not null,
  partition_id text collate "C",
  group_id uuid,
  constraint devices_pkey primary key (tenant_id, uid),
  constraint devices_group_id_fkey foreign key (tenant_id, group_id) references device_groups (tenant_id, id)
);
create index devices_by_ip on devices (tenant_id, ip);
create index devices_by_mac on devices (tenant_id, mac);
create index devices_by_hostname on devices (tenant_id, hostname);
create index devices_by_last_seen on devices (tenant_id, last_seen_time desc);
select serviceradar_separate('devices', 'tenant_id', 'select, insert, update, delete');

-- migrate:down
drop table devices, device_groups;
