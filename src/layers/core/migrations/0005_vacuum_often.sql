-- The few rows that each report stores anew: what is dead of them is cleaned up soon, and without a pause, after somebody has read
-- for long. With the server's own settings that is a fifth of a large table, slowly. And pages have room for what replaces their
-- rows, which then needs no new entries in indexes.

-- migrate:up
alter table service_state set (
  autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0,
  fillfactor = 40
);
alter table reporting_pollers set (
  autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0,
  fillfactor = 40
);

-- migrate:down
alter table service_state reset (
  autovacuum_vacuum_threshold, autovacuum_vacuum_scale_factor, autovacuum_vacuum_cost_delay, fillfactor
);
alter table reporting_pollers reset (
  autovacuum_vacuum_threshold, autovacuum_vacuum_scale_factor, autovacuum_vacuum_cost_delay, fillfactor
);
