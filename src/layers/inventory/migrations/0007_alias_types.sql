-- A collector is an alias of each device that it sees: whose a name is is asked for those that only one device has.

-- migrate:up
drop index device_alias_states_by_value;
create index device_alias_states_by_value on device_alias_states (tenant_id, alias_value, alias_type);

-- migrate:down
drop index device_alias_states_by_value;
create index device_alias_states_by_value on device_alias_states (tenant_id, alias_value);
