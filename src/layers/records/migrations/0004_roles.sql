-- Since PostgreSQL 16 whoever makes a role is a member of it that may not take it, unless it is granted once more.

-- migrate:up
do $body$
declare
  one text;
begin
  if current_setting('server_version_num')::int < 160000 then return; end if;
  for one in select rolname from pg_roles
    where rolname in ('serviceradar_app', 'serviceradar_query') and not pg_has_role(oid, 'SET')
  loop
    begin
      execute format('grant %I to current_user with set true, inherit true', one);
    exception when insufficient_privilege then
      raise notice 'role % cannot be taken: %', one, sqlerrm;
    end;
  end loop;
end $body$;

-- migrate:down
select 1;
