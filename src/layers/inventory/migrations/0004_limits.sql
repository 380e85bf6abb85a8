-- How many devices and people a tenant has, kept with each that comes or goes, so that none is one too many.

-- migrate:up
create table tenant_usage (
  tenant_id uuid not null,
  kind text collate "C" not null,
  used bigint not null,
  constraint tenant_usage_pkey primary key (tenant_id, kind)
);

-- In the name of whoever made it: nobody else changes the numbers. Of `added` the database has only what was really added.
create function serviceradar_count_added() returns trigger language plpgsql security definer
  set search_path from current as $body$
declare
  one record;
  total bigint;
  most bigint;
begin
  for one in select tenant_id, count(*) as n from added group by tenant_id order by tenant_id loop
    insert into tenant_usage as known (tenant_id, kind, used) values (one.tenant_id, tg_argv[0], one.n)
      on conflict (tenant_id, kind) do update set used = known.used + excluded.used returning used into total;
    select case tg_argv[0] when 'devices' then max_devices else max_users end into most
      from tenants where id = one.tenant_id;
    if total > most then
      raise exception 'the tenant may have % %', most, tg_argv[0]
        using errcode = 'check_violation', constraint = tg_argv[0] || '_limit';
    end if;
  end loop;
  return null;
end
$body$;

create function serviceradar_count_removed() returns trigger language plpgsql security definer
  set search_path from current as $body$
begin
  update tenant_usage set used = used - gone.n
    from (select tenant_id, count(*) as n from removed group by tenant_id) gone
    where tenant_usage.tenant_id = gone.tenant_id and kind = tg_argv[0];
  return null;
end
$body$;

insert into tenant_usage select tenant_id, 'devices', count(*) from devices group by tenant_id;
insert into tenant_usage select tenant_id, 'users', count(*) from users group by tenant_id;

create trigger devices_added after insert on devices referencing new table as added
  for each statement execute function serviceradar_count_added('devices');
create trigger devices_removed after delete on devices referencing old table as removed
  for each statement execute function serviceradar_count_removed('devices');
create trigger users_added after insert on users referencing new table as added
  for each statement execute function serviceradar_count_added('users');
create trigger users_removed after delete on users referencing old table as removed
  for each statement execute function serviceradar_count_removed('users');

-- migrate:down
drop trigger users_removed on users;
drop trigger users_added on users;
drop trigger devices_removed on devices;
drop trigger devices_added on devices;
drop function serviceradar_count_removed;
drop function serviceradar_count_added;
drop table tenant_usage;
