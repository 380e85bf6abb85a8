-- Pollers that were lost or came back and of whom no webhook has answered yet: at most one of each kind for a poller.

-- migrate:up
create table untold_poller_turns (
  poller_id text not null,
  is_missed boolean not null,
  turned_at timestamptz not null,
  silence_millis float8 not null,
  primary key (poller_id, is_missed)
);

-- migrate:down
drop table untold_poller_turns;
