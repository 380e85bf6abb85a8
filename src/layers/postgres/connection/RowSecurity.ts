/**
 * Rows of all tenants in one table, and a database that keeps them apart by itself.
 *
 * Who reads for a tenant names it with `set local` and takes the role `serviceradar_query` for the transaction, which owns
 * nothing, cannot log in and cannot bypass the policy. Where that role cannot be made the policy holds for the table's
 * owner too, as it is forced. Who names no tenant is a writer or an operator and sees all, but never in that role.
 */
import { Effect } from "effect"
import * as SqlClient from "effect/sql/SqlClient"

export const role = "serviceradar_query"

/** Of the transaction: whose rows it may see. */
export const setting = "serviceradar.tenant"

/** SQL, of a row of `pg_roles`: since PostgreSQL 16 a member of a role need not be one that may take it. */
export const mayTake =
  "pg_has_role(oid, case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end)"

/** For the transaction, if we may. Evaluates to the role that was taken. */
export const takeRole =
  `(select set_config('role', rolname, true) from pg_roles where rolname = '${role}' and ${mayTake})`

/** Somebody else may make it at the same time, or we may not: both are no failure. */
const makeRole = `do $body$ begin
    if not exists (select from pg_roles where rolname = '${role}') then
      create role ${role} nologin nosuperuser nobypassrls;
    end if;
    if current_setting('server_version_num')::int < 160000 then
      if not pg_has_role('${role}', 'member') then grant ${role} to current_user; end if;
    elsif not pg_has_role('${role}', 'SET') then
      execute 'grant ${role} to current_user with set true, inherit true';
    end if;
  exception when insufficient_privilege or duplicate_object or unique_violation then
    raise notice 'no role ${role}: %', sqlerrm;
  end $body$`

const told = `coalesce(current_setting('${setting}', true), '')`

/** What is known before any row is looked at stands in selects of its own, which are asked once for each statement. */
const mayPass = `tenant_id = (select nullif(${told}, '')) or (select ${told} = '' and current_user <> '${role}')`

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** Twice is once. The table has a column `tenant_id`; its partitions are not to be read by themselves. */
const protect = (schema: string, table: string): string =>
  `do $body$
  declare
    home constant text := ${literal(schema)};
    name constant text := ${literal(table)};
  begin
    execute format('alter table %I.%I enable row level security, force row level security', home, name);
    execute format('drop policy if exists rows_of_tenant on %I.%I', home, name);
    execute format('create policy rows_of_tenant on %I.%I using (%s) with check (%3$s)', home, name, ${
    literal(mayPass)
  });
    if exists (select from pg_roles where rolname = '${role}') then
      if not has_schema_privilege('${role}', home, 'usage') then
        execute format('grant usage on schema %I to ${role}', home);
      end if;
      execute format('grant select on %I.%I to ${role}', home, name);
    end if;
  end $body$`

/** For migrations: the role. */
export const prepareRole = Effect.asVoid(SqlClient.SqlClient.use((sql) => sql.unsafe(makeRole)))

/** For migrations: the role, and these tables of the schema. */
export const separate = Effect.fnUntraced(function*(schema: string, tables: ReadonlyArray<string>) {
  const sql = yield* SqlClient.SqlClient
  yield* prepareRole
  yield* Effect.forEach(tables, (table) => sql.unsafe(protect(schema, table)), { discard: true })
})
