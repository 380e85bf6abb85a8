-- Tenants, their people, and what those sign in with.

-- migrate:up
create table tenants (
  id uuid constraint tenants_pkey primary key,
  name text collate "C" not null,
  slug text collate "C" not null constraint tenants_slug_key unique,
  status text collate "C" not null,
  plan text collate "C" not null,
  max_devices bigint not null,
  max_users bigint not null,
  contact_email text collate "C",
  contact_name text collate "C",
  inserted_at timestamptz not null,
  updated_at timestamptz not null
);
select serviceradar_separate('tenants', 'id', 'select, insert, update');

-- Of whoever has no other: the first people, and what pollers report.
insert into tenants (id, name, slug, status, plan, max_devices, max_users, inserted_at, updated_at)
  values ('00000000-0000-0000-0000-000000000000', 'Default', 'default', 'active', 'enterprise', 1000000, 1000,
    now(), now());

create table users (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  email text collate "C" not null constraint users_email_key unique,
  display_name text collate "C",
  role text collate "C" not null,
  is_super_user boolean not null,
  hashed_password text,
  confirmed_at timestamptz,
  authenticated_at timestamptz,
  inserted_at timestamptz not null,
  updated_at timestamptz not null,
  constraint users_pkey primary key (tenant_id, id)
);
select serviceradar_separate('users', 'tenant_id', 'select, insert, update');

create table api_tokens (
  tenant_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  name text collate "C" not null,
  description text collate "C",
  token_hash text collate "C" not null constraint api_tokens_token_hash_key unique,
  token_prefix text collate "C" not null,
  scope text collate "C" not null,
  enabled boolean not null,
  expires_at timestamptz,
  last_used_at timestamptz,
  last_used_ip text collate "C",
  use_count bigint not null,
  revoked_at timestamptz,
  revoked_by text collate "C",
  created_at timestamptz not null,
  constraint api_tokens_pkey primary key (tenant_id, id),
  constraint api_tokens_user_id_fkey foreign key (tenant_id, user_id) references users (tenant_id, id)
);
select serviceradar_separate('api_tokens', 'tenant_id', 'select, insert, update');

create table sessions (
  tenant_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  token_hash text collate "C" not null constraint sessions_token_hash_key unique,
  address text collate "C" not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz,
  constraint sessions_pkey primary key (tenant_id, id),
  constraint sessions_user_id_fkey foreign key (tenant_id, user_id) references users (tenant_id, id)
);
select serviceradar_separate('sessions', 'tenant_id', 'select, insert, update');

-- migrate:down
drop table sessions, api_tokens, users, tenants;
