-- Sign-in by password and by link: what went wrong lately, links that are used once, and sessions of programs.

-- migrate:up
alter table users
  add column failed_sign_ins bigint not null default 0,
  add column last_failed_at timestamptz,
  add column locked_until timestamptz,
  -- Of what a configuration file says of the password; none for whom no file names.
  add column configured_hash text collate "C";

alter table sessions
  add column kind text collate "C" not null default 'browser';
create index sessions_of_user on sessions (tenant_id, user_id);

create table sign_in_links (
  tenant_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  state text collate "C" not null,
  token_hash text collate "C" not null constraint sign_in_links_token_hash_key unique,
  origin text collate "C" not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  constraint sign_in_links_pkey primary key (tenant_id, id),
  constraint sign_in_links_user_id_fkey foreign key (tenant_id, user_id) references users (tenant_id, id)
);
select serviceradar_separate('sign_in_links', 'tenant_id', 'select, insert, update');

-- migrate:down
drop table sign_in_links;
drop index sessions_of_user;
alter table sessions drop column kind;
alter table users drop column failed_sign_ins, drop column last_failed_at, drop column locked_until,
  drop column configured_hash;
