-- The version of a record is made of the transaction that wrote it. As it stands that counts the writes of everybody, also of
-- other tenants; under a key that nobody is shown it only tells one version from another.

-- migrate:up
do $body$ begin
  execute format(
    $make$
      create function serviceradar_version(written_by xid) returns text language sql stable parallel safe as $sql$
        select encode(substring(sha256(convert_to(%L || written_by::text, 'UTF8')) from 1 for 12), 'base64')
      $sql$
    $make$,
    gen_random_uuid()::text || gen_random_uuid()::text
  );
end $body$;

-- migrate:down
drop function serviceradar_version(xid);
