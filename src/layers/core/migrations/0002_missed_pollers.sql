-- How often a poller reports, as it says itself, and whether it is missed: both outlive a restart of core.

-- migrate:up
alter table reporting_pollers
  add column report_interval_millis bigint,
  add column is_missed boolean not null default false;

-- migrate:down
alter table reporting_pollers drop column report_interval_millis, drop column is_missed;
