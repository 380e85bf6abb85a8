/**
 * What queries find where there is no table of that name: views over tables of our own, in a schema that is searched last. Who
 * makes such a table later takes the view's place without knowing of it.
 *
 * A view reads in the name of whoever asks, so that row-level security holds for it too; before PostgreSQL 15 no view can, and
 * then the role of queries may not read it.
 */
import { Effect } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as RowSecurity from "./RowSecurity.ts"

export const schema = "serviceradar_queries"

export interface QueryView {
  readonly name: string
  readonly select: string
  /** Whether all that it reads is kept apart by tenant, see `RowSecurity`. */
  readonly isSeparated: boolean
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** A database of somebody else may not let us make a schema: then there are no views, and all else works. */
const make = ({ isSeparated, name, select }: QueryView): string =>
  `do $body$
  declare
    is_invokers constant boolean := current_setting('server_version_num')::int >= 150000;
  begin
    create schema if not exists ${schema};
    execute format('create or replace view ${schema}.${name} %s as %s',
      case when is_invokers then 'with (security_invoker = true)' else '' end, ${literal(select)});
    if ${isSeparated} and is_invokers and exists (select from pg_roles where rolname = '${RowSecurity.role}') then
      grant usage on schema ${schema} to ${RowSecurity.role};
      grant select on ${schema}.${name} to ${RowSecurity.role};
    end if;
  exception when insufficient_privilege or unique_violation then
    raise notice 'no view ${name}: %', sqlerrm;
  end $body$`

/** For migrations. */
export const create = Effect.fnUntraced(function*(views: ReadonlyArray<QueryView>) {
  const sql = yield* SqlClient.SqlClient
  yield* Effect.forEach(views, (view) => sql.unsafe(make(view)), { discard: true })
})

/** The way back. */
export const drop = Effect.fnUntraced(function*(views: ReadonlyArray<QueryView>) {
  const sql = yield* SqlClient.SqlClient
  yield* Effect.forEach(views, ({ name }) => sql.unsafe(`drop view if exists ${schema}.${name}`), { discard: true })
})
