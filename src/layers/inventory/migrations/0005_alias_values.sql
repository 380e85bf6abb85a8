-- Whose alias an address was is asked for each address that is seen, and most devices are seen without a MAC address: those are
-- written without one more index.

-- migrate:up
create index device_alias_states_by_value on device_alias_states (tenant_id, alias_value);
drop index devices_by_mac;
create index devices_by_mac on devices (tenant_id, mac) where mac is not null;

-- migrate:down
drop index devices_by_mac;
create index devices_by_mac on devices (tenant_id, mac);
drop index device_alias_states_by_value;
