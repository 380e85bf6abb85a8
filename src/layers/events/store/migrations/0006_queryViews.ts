/**
 * Our summaries of traces and OCSF events under the names and columns that queries have for them, and what `rollup_stats:`
 * asks for, counted when it is asked: always up to date, at the price of reading the rows of the span. Only over tables of
 * our own making.
 */
import { Effect } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import { tables } from "../../../../domain/events/rows/Tables.ts"
import * as QueryViews from "../../../postgres/connection/QueryViews.ts"
import { quote } from "../InsertStatement.ts"
import * as TableCatalog from "../TableCatalog.ts"
import { ownTable } from "../TraceSummaryStatements.ts"
import { exists } from "./existing.ts"

const bucket = "date_bin('5 minutes', timestamp, timestamptz 'epoch') as bucket"

const ofLevels = (...levels: ReadonlyArray<string>): string =>
  `count(*) filter (where lower(severity_text) in (${levels.map((level) => `'${level}'`).join(", ")}))`

const severities = (home: string): string => `
  select tenant_id, ${bucket}, service_name, count(*) as total_count,
    ${ofLevels("fatal", "critical", "emergency", "alert")} as fatal_count,
    ${ofLevels("error", "err")} as error_count,
    ${ofLevels("warn", "warning")} as warning_count,
    ${ofLevels("info", "information", "informational", "notice")} as info_count,
    ${ofLevels("debug", "trace")} as debug_count
  from ${home}.logs group by 1, 2, 3`

const millis = "(end_time_unix_nano - start_time_unix_nano) / 1e6::float8"

const traces = (home: string): string => `
  select tenant_id, ${bucket}, service_name, count(*) as total_count,
    count(*) filter (where status_code = 2) as error_count, avg(${millis}) as avg_duration_ms,
    percentile_cont(0.95) within group (order by ${millis}) as p95_duration_ms
  from ${home}.otel_traces where coalesce(parent_span_id, '') = '' group by 1, 2, 3`

/** As the original's CloudEvents were; its later versions read their events from the same table. */
const events = (home: string): string => `
  select tenant_id, time as event_timestamp, '1.0'::text as specversion, id::text as id, log_provider as source,
    activity_name as type, 'application/json'::text as datacontenttype, log_name as subject,
    src_endpoint->>'ip' as remote_addr, device->>'hostname' as host, severity_id as level, severity,
    message as short_message, log_version as version, raw_data, created_at
  from ${home}.ocsf_events`

export const queryViews = (schema: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const home = quote(schema)
    const names = ["logs", "otel_traces", "ocsf_events"] as const
    const found = yield* TableCatalog.read((text, parameters) => sql.unsafe(text, parameters), schema, names)
    const over = (table: typeof names[number], name: string, select: string): ReadonlyArray<QueryViews.QueryView> => {
      const there = found.get(table)
      return there?.primaryKey.join() === tables[table].key.join()
        ? [{ name, select, isSeparated: !there.isHypertable }]
        : []
    }
    yield* QueryViews.create([
      ...((yield* exists(schema, ownTable))
        ? [{ name: "otel_trace_summaries", select: `select * from ${home}.${ownTable}`, isSeparated: true }]
        : []),
      ...over("ocsf_events", "events", events(home)),
      ...over("logs", "logs_severity_stats_5m", severities(home)),
      ...over("otel_traces", "traces_stats_5m", traces(home))
    ])
  })
