-- A mail address is one user's in a tenant: whether somebody has it in another one, nobody learns.

-- migrate:up
alter table users drop constraint users_email_key;
alter table users add constraint users_email_key unique (tenant_id, email);
create index users_by_email on users (email);

-- migrate:down
drop index users_by_email;
alter table users drop constraint users_email_key;
alter table users add constraint users_email_key unique (email);
