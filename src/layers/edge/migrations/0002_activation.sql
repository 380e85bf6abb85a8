-- When what was set up with a package was first heard of.

-- migrate:up
alter table edge_packages add column activated_at timestamptz, add column activated_from text collate "C";
-- The few that wait for it are looked for all the time.
create index edge_packages_delivered on edge_packages (tenant_id, delivered_at desc) where state = 'delivered';

-- migrate:down
-- As what they were before.
update edge_packages set state = 'delivered' where state = 'activated';
drop index edge_packages_delivered;
alter table edge_packages drop column activated_at, drop column activated_from;
