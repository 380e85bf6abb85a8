/** The summaries of traces, and how far they are refreshed. An existing table stays as it is here, and is adopted later. */
import { Effect } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import { quote } from "../InsertStatement.ts"
import { ownTable, theirTable } from "../TraceSummaryStatements.ts"
import { exists } from "./existing.ts"

export const traceSummaries = (schema: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const home = quote(schema)
    if (!(yield* exists(schema, theirTable))) {
      yield* sql.unsafe(`create table ${home}.${ownTable} (
        tenant_id text not null, trace_id text not null, timestamp timestamptz, root_span_id text, root_span_name text,
        root_service_name text, root_span_kind int4, start_time_unix_nano int8, end_time_unix_nano int8,
        duration_ms float8, status_code int4, status_message text, service_set text[], span_count int8,
        error_count int8, refreshed_at timestamptz not null default now(), primary key (tenant_id, trace_id))`)
      yield* sql.unsafe(`create index on ${home}.${ownTable} (timestamp desc)`)
      yield* sql.unsafe(`create index on ${home}.${ownTable} (root_service_name, timestamp desc)`)
    }
    yield* sql.unsafe(`create table ${home}.otel_trace_summaries_progress (
      id int4 primary key default 1 check (id = 1), refreshed_upto timestamptz not null)`)
  })
