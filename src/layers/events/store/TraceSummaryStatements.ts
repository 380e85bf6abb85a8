/**
 * The statements behind the trace summaries.
 *
 * Spans that belong to no trace, with an empty id, have no summary. An existing table may have the trace as its only
 * key; then a trace id counts once, whoever's it is.
 */
import { quote } from "./InsertStatement.ts"

const columns: ReadonlyArray<readonly [name: string, over: string]> = [
  ["timestamp", "max(span.timestamp)"],
  ["root_span_id", "max(span.span_id) filter (where is_root)"],
  ["root_span_name", "max(span.name) filter (where is_root)"],
  ["root_service_name", "max(span.service_name) filter (where is_root)"],
  ["root_span_kind", "max(span.kind) filter (where is_root)"],
  ["start_time_unix_nano", "min(span.start_time_unix_nano)"],
  ["end_time_unix_nano", "max(span.end_time_unix_nano)"],
  // Times from outside may be as far apart as a bigint is not.
  ["duration_ms", "((max(span.end_time_unix_nano)::numeric - min(span.start_time_unix_nano)) / 1000000)::float8"],
  ["status_code", "max(span.status_code) filter (where is_root)"],
  ["status_message", "max(span.status_message) filter (where is_root)"],
  ["service_set", "array_agg(distinct span.service_name) filter (where span.service_name is not null)"],
  ["span_count", "count(*)"],
  // Code 2 is an error; 0 is unset, not another error.
  ["error_count", "count(*) filter (where span.status_code = 2)"]
]

/**
 * Summarizes the traces with spans written in `[$1, $2)` over all of their spans, except traces that ended before `$3`;
 * counts those that changed.
 */
export const refresh = (schema: string, table: string, hasTenants: boolean): string => {
  const home = quote(schema)
  const names = columns.map(([name]) => name).join(", ")
  const tenant = hasTenants ? "coalesce(span.tenant_id, '')" : "max(span.tenant_id)"
  return `
    with touched as materialized (
      select distinct trace_id from ${home}.otel_traces
      where created_at >= $1::timestamptz and created_at < $2::timestamptz and trace_id <> ''
    ), summary as (
      select ${tenant} as tenant_id, trace_id, ${columns.map(([name, over]) => `${over} as ${name}`).join(", ")}
      from touched
      join (select *, coalesce(parent_span_id, '') = '' as is_root from ${home}.otel_traces) as span using (trace_id)
      group by ${hasTenants ? "coalesce(span.tenant_id, ''), trace_id" : "trace_id"}
      having max(span.timestamp) >= $3::timestamptz
    ), written as (
      insert into ${home}.${quote(table)} as known (tenant_id, trace_id, ${names})
      select tenant_id, trace_id, ${names} from summary
      on conflict (${hasTenants ? "tenant_id, trace_id" : "trace_id"}) do update set
        ${["tenant_id", ...columns.map(([name]) => name)].map((name) => `${name} = excluded.${name}`).join(", ")},
        refreshed_at = now()
      where (known.tenant_id, ${columns.map(([name]) => `known.${name}`).join(", ")})
        is distinct from (excluded.tenant_id, ${columns.map(([name]) => `excluded.${name}`).join(", ")})
      returning 1
    )
    select count(*)::int as count from written`
}

/** Removes up to `$2` summaries of traces that ended before `$1`. */
export const removeSlice = (schema: string, table: string): string => {
  const from = `${quote(schema)}.${quote(table)}`
  return `
    with doomed as (
      delete from ${from} where ctid = any(array(
        select ctid from ${from} where timestamp < $1::timestamptz limit $2)) returning 1)
    select count(*)::int as count from doomed`
}

/** `$1` is how far the summaries are complete now. */
export const setProgress = (schema: string): string => `
  insert into ${quote(schema)}.otel_trace_summaries_progress (refreshed_upto) values ($1::timestamptz)
  on conflict (id) do update set refreshed_upto = excluded.refreshed_upto`

/**
 * Ours has a name of its own: the existing system makes a view of theirs first and a table later, and neither could be made
 * where there is a table of that name.
 */
export const ownTable = "event_writer_trace_summaries"
export const theirTable = "otel_trace_summaries"

const regclass = (schema: string, table: string): string =>
  `to_regclass('${`${quote(schema)}.${quote(table)}`.replaceAll("'", "''")}')`

/**
 * The table whose summaries are ours to make, theirs if there is one and it has been adopted, and whether its key has the
 * tenant. None where theirs is a view.
 */
export const place = (schema: string): string => `
  with theirs as (
    select relkind in ('r', 'p') as is_table, exists (select from pg_attribute
        where attrelid = pg_class.oid and attname = 'tenant_id' and not attisdropped) as is_adopted
    from pg_class where oid = ${regclass(schema, theirTable)}
  ), chosen as (
    select case
      when ${regclass(schema, `${theirTable}_progress`)} is null then null
      when exists (select from theirs where not is_table) then null
      when exists (select from theirs where is_adopted) then '${theirTable}'
      when ${regclass(schema, ownTable)} is not null then '${ownTable}'
    end as name
  )
  select name as table, exists (select from pg_index join pg_attribute on attrelid = indrelid and attnum = any(indkey)
      where indisunique and attname = 'tenant_id' and indrelid = case name
        when '${theirTable}' then ${regclass(schema, theirTable)} else ${
  regclass(schema, ownTable)
} end) as "hasTenants"
  from chosen`

/**
 * What a refresh begins with: the server's time, how far the last one came, when the oldest transaction began that may
 * still commit spans, and the first span.
 */
export const begin = (schema: string): string => `
  select clock_timestamp() as now,
    (select refreshed_upto from ${quote(schema)}.otel_trace_summaries_progress) as upto,
    (select min(xact_start) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()) as oldest,
    (select min(created_at) from ${quote(schema)}.otel_traces) as first`
