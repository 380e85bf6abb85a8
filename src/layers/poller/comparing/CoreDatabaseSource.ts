/**
 * What core got of one poller, from its database: of a core of this project, or of the existing one. Sessions cannot write.
 *
 * Our core keeps no inventory in its history, and the existing one no response times and of a message above 9 MiB only that
 * it was: those are not compared. Where a status has no agent or no type, the existing core's columns are null.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, Option, type Redacted, Schema, Stream } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import type { SqlError } from "effect/sql/SqlError"
import type { Sample } from "../../../domain/poller/comparing/Sample.ts"
import { type SampleSource, SampleSourceError } from "../../../services/poller/comparing/SampleSource.ts"
import * as SqlFailure from "../../postgres/connection/SqlFailure.ts"

export interface CoreDatabase {
  readonly url: Redacted.Redacted
  readonly pollerId: string
}

interface Table {
  readonly name: string
  readonly time: string
  readonly responseTime: string
  readonly source: string
  readonly message: string
}

/** Ours first: beside it the existing core's table would be somebody else's. */
const tables: ReadonlyArray<Table> = [
  {
    name: "service_status_history",
    time: "reported_at",
    responseTime: "response_time_nanos",
    source: "source",
    message: "case when service_type = 'sync' then null else message end"
  },
  {
    name: "service_status",
    time: "timestamp",
    responseTime: "0",
    source: "''",
    // What the existing core was sent stands in the details, its message being a part of it.
    message: "case when details::text like '{\"truncated\":%' then null else coalesce(details::text, message) end"
  }
]

const Ranges = Schema.Array(Schema.Struct({ first: Schema.NullOr(Schema.Finite), last: Schema.NullOr(Schema.Finite) }))
const Columns = Schema.Array(Schema.Struct({ table: Schema.String, column: Schema.String }))

/** As it is called here and in the existing core, and in later releases of that. */
const pollerColumns = ["poller_id", "gateway_id"]

const Row = Schema.Struct({
  at: Schema.Finite,
  agentId: Schema.String,
  serviceType: Schema.String,
  serviceName: Schema.String,
  available: Schema.Boolean,
  responseTime: Schema.Finite,
  source: Schema.String,
  message: Schema.NullOr(Schema.String)
})

const millisOf = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`

/** Core keeps whole seconds, so the last second belongs to the range. */
const secondMillis = 1_000

export const make = Effect.fnUntraced(function*({ pollerId, url }: CoreDatabase) {
  const name = `core, poller ${pollerId}`
  const failed = (error: SqlError) => new SampleSourceError({ source: name, detail: SqlFailure.detail(error) })
  const sql = yield* PgClient.make({
    url,
    maxConnections: 1,
    applicationName: "serviceradar-compare",
    connectTimeout: "10 seconds",
    startupParameters: { timezone: "UTC", default_transaction_read_only: "on", statement_timeout: "60s" }
  }).pipe(Effect.mapError(failed), Effect.provide(Reactivity.layer))
  const query = <A, I>(schema: Schema.Codec<A, I>, text: string, parameters: ReadonlyArray<unknown>) =>
    Effect.mapError(sql.unsafe(text, parameters), failed).pipe(
      // The statement gives the rows their shape.
      Effect.flatMap((rows) => Effect.orDie(Schema.decodeUnknownEffect(schema)(rows)))
    )
  const found = yield* query(
    Columns,
    `select attrelid::regclass::text as table, attname::text as column from pg_attribute
       where attrelid = any (array(select to_regclass(name) from unnest($1::text[]) as given(name)))
         and attname = any ($2::text[])`,
    [`{${tables.map((table) => table.name).join(",")}}`, `{${pollerColumns.join(",")}}`]
  )
  const table = tables.find((one) => found.some((there) => there.table === one.name))
  const pollerColumn = pollerColumns.find((column) =>
    found.some((there) => there.table === table?.name && there.column === column)
  )
  if (table === undefined || pollerColumn === undefined) {
    return yield* new SampleSourceError({
      source: name,
      detail: `there is no table ${tables.map((one) => one.name).join(" and no ")} with pollers in the database`
    })
  }

  const source: SampleSource = {
    name,
    range: Effect.map(
      query(
        Ranges,
        `select min(${millisOf(table.time)}) as first, max(${millisOf(table.time)}) as last
           from ${table.name} where ${pollerColumn} = $1`,
        [pollerId]
      ),
      ([range]) =>
        range === undefined || range.first === null || range.last === null
          ? Option.none()
          : Option.some({ firstMillis: range.first, lastMillis: range.last + secondMillis - 1 })
    ),
    samples: ({ firstMillis, lastMillis }) =>
      sql.unsafe(
        `select ${millisOf(table.time)} as at, coalesce(agent_id, '') as "agentId",
             coalesce(service_type, '') as "serviceType", service_name as "serviceName", available, (${table.responseTime})::float8 as "responseTime",
             ${table.source} as source, ${table.message} as message
           from ${table.name}
           where ${pollerColumn} = $1 and ${table.time} between to_timestamp($2::float8 / 1000) and to_timestamp($3::float8 / 1000)`,
        [pollerId, Math.floor(firstMillis / secondMillis) * secondMillis, lastMillis]
      ).stream.pipe(
        Stream.mapError(failed),
        // The statement gives the rows their shape.
        Stream.mapEffect((row) => Effect.orDie(Schema.decodeUnknownEffect(Row)(row))),
        Stream.map((row): Sample => ({
          atMillis: row.at,
          agentId: row.agentId,
          serviceType: row.serviceType,
          serviceName: row.serviceName,
          available: row.available,
          responseTimeNanos: row.responseTime,
          source: row.source,
          message: Option.fromNullishOr(row.message)
        }))
      )
  }
  return source
})
