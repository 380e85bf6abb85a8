-- Pollers that report, the history of statuses and the current state of every service.
--
-- The history's key begins with the time, as a later partitioning by time needs. Names stay clear of the control plane's
-- tables (pollers, service_checks, …).

-- migrate:up
create table reporting_pollers (
  poller_id text primary key,
  partition text not null,
  source_ip text not null,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null
);

create table service_status_history (
  reported_at timestamptz not null,
  poller_id text not null,
  agent_id text not null,
  service_type text not null,
  service_name text not null,
  content_hash bytea not null,
  partition text not null,
  available boolean not null,
  response_time_nanos bigint not null,
  message text not null,
  source text not null,
  kv_store_id text not null,
  received_at timestamptz not null,
  primary key (reported_at, poller_id, agent_id, service_type, service_name, content_hash)
);

create index service_status_history_by_service
  on service_status_history (agent_id, service_type, service_name, reported_at desc);

create table service_state (
  partition text not null,
  agent_id text not null,
  service_type text not null,
  service_name text not null,
  poller_id text not null,
  source_ip text not null,
  available boolean not null,
  response_time_nanos bigint not null,
  message text not null,
  source text not null,
  kv_store_id text not null,
  reported_at timestamptz not null,
  last_change_at timestamptz not null,
  first_seen_at timestamptz not null,
  primary key (partition, agent_id, service_type, service_name)
);

create index service_state_by_poller on service_state (poller_id);

-- migrate:down
drop table service_state, service_status_history, reporting_pollers;
