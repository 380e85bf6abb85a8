-- Numbers of devices that are read as `integer` by whoever asks in SRQL, and groups that are not below themselves.

-- migrate:up
update devices set type_id = 0 where type_id not between -2147483648 and 2147483647;
update devices set risk_level_id = null where risk_level_id not between -2147483648 and 2147483647;
update devices set risk_score = null where risk_score not between -2147483648 and 2147483647;
alter table devices
  add constraint devices_type_id_check check (type_id between -2147483648 and 2147483647),
  add constraint devices_risk_level_id_check check (risk_level_id between -2147483648 and 2147483647),
  add constraint devices_risk_score_check check (risk_score between -2147483648 and 2147483647);

-- One change of a tenant's groups at a time: two together could make a circle that neither makes alone.
create function serviceradar_group_is_no_circle() returns trigger language plpgsql as $body$
begin
  if new.parent_id is null then return new; end if;
  perform pg_advisory_xact_lock(hashtextextended('device_groups ' || new.tenant_id, 0));
  if exists (
    with recursive above(id) as (
      select new.parent_id
      union
      select up.parent_id from device_groups up join above on up.id = above.id
        where up.tenant_id = new.tenant_id and up.parent_id is not null
    )
    select from above where id = new.id
  ) then
    raise exception 'the group would be below itself'
      using errcode = 'check_violation', constraint = 'device_groups_parent_id_circle';
  end if;
  return new;
end
$body$;

create trigger device_groups_no_circle before insert or update of parent_id on device_groups
  for each row execute function serviceradar_group_is_no_circle();

-- migrate:down
drop trigger device_groups_no_circle on device_groups;
drop function serviceradar_group_is_no_circle;
alter table devices drop constraint devices_type_id_check, drop constraint devices_risk_level_id_check,
  drop constraint devices_risk_score_check;
