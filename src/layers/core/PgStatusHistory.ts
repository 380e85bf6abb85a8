/** The history of statuses in PostgreSQL, read by the indexes that it has. */
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as PgTypes from "@effect/sql-pg/PgTypes"
import { DateTime, Effect, Layer, Result, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { type ServiceFilter, ServiceState } from "../../domain/monitoring/reports/ServiceState.ts"
import { type ServiceKey, type Span, StatusHistory } from "../../services/core/StatusHistory.ts"
import { StatusStoreError } from "../../services/core/StatusStore.ts"
import { PgConnection } from "../postgres/connection/PgConnection.ts"
import * as Rows from "../postgres/connection/Rows.ts"
import { reasonOf } from "./PgStatusStore.ts"

const { agentId, available, kvStoreId, message, partition, pollerId, responseTimeNanos } = ServiceState.fields
const { serviceName, serviceType, sourceIp } = ServiceState.fields

const PollerRow = Schema.Struct({
  pollerId,
  partition,
  sourceIp,
  firstSeenAt: Schema.DateTimeUtcFromDate,
  lastSeenAt: Schema.DateTimeUtcFromDate,
  isMissed: Schema.Boolean,
  isAllAvailable: Schema.Boolean
})

const pollers = (sql: PgClient.PgClient, limit: number, id: string | undefined) =>
  Rows.query(
    PollerRow,
    sql`
    select poller_id as "pollerId", partition, source_ip as "sourceIp", first_seen_at as "firstSeenAt",
      last_seen_at as "lastSeenAt", is_missed as "isMissed",
      not exists (select from service_state s where s.poller_id = p.poller_id and not s.available) as "isAllAvailable"
    from reporting_pollers p
    where ${id === undefined ? sql`true` : sql`poller_id = ${id}`}
    order by poller_id limit ${limit}`
  )

const BareRow = Schema.Struct({
  partition,
  agentId,
  serviceType,
  serviceName,
  pollerId,
  sourceIp,
  available,
  kvStoreId,
  reportedAt: Schema.DateTimeUtcFromDate,
  firstSeenAt: Schema.DateTimeUtcFromDate
})

const services = (sql: PgClient.PgClient, { agent, limit, partition, poller }: ServiceFilter) =>
  Rows.query(
    BareRow,
    sql`
    select partition, agent_id as "agentId", service_type as "serviceType", service_name as "serviceName",
      poller_id as "pollerId", source_ip as "sourceIp", available, kv_store_id as "kvStoreId",
      reported_at as "reportedAt", first_seen_at as "firstSeenAt"
    from service_state
    where ${
      sql.and([
        sql`true`,
        ...(agent === undefined ? [] : [sql`agent_id = ${agent}`]),
        ...(poller === undefined ? [] : [sql`poller_id = ${poller}`]),
        ...(partition === undefined ? [] : [sql`partition = ${partition}`])
      ])
    }
    order by poller_id, agent_id, service_type, service_name
    limit ${limit}`
  )

const PastRow = Schema.Struct({
  partition,
  agentId,
  serviceType,
  serviceName,
  pollerId,
  available,
  responseTimeNanos,
  message,
  reportedAt: Schema.DateTimeUtcFromDate
})

const texts = (values: ReadonlyArray<string>) => Result.getOrThrow(PgTypes.array(values, PgTypes.OID.text))

const ofServices = (sql: PgClient.PgClient, keys: ReadonlyArray<ServiceKey>, { from, limit, to }: Span) =>
  Rows.query(
    PastRow,
    sql`
    select h.partition, h.agent_id as "agentId", h.service_type as "serviceType", h.service_name as "serviceName",
      h.poller_id as "pollerId", h.available, h.response_time_nanos::float8 as "responseTimeNanos", h.message,
      h.reported_at as "reportedAt"
    from unnest(${texts(keys.map((key) => key.agentId))}::text[], ${texts(keys.map((key) => key.serviceType))}::text[],
        ${texts(keys.map((key) => key.serviceName))}::text[]) as key (agent_id, service_type, service_name)
      cross join lateral (
        select * from service_status_history s
        where s.agent_id = key.agent_id and s.service_type = key.service_type and s.service_name = key.service_name
          and s.reported_at between ${DateTime.toDateUtc(from)}::timestamptz and ${DateTime.toDateUtc(to)}::timestamptz
        order by s.reported_at desc limit ${limit}
      ) as h
    order by h.reported_at desc limit ${limit}`
  )

const HealthRow = Schema.Struct({ at: Schema.DateTimeUtcFromDate, isHealthy: Schema.Boolean })

/** A poller that nobody knows has no history, so nothing is searched for one. */
const healthOf = (sql: PgClient.PgClient, id: string, limit: number) =>
  Rows.query(
    HealthRow,
    sql`
    select h.reported_at as "at", bool_and(h.available) as "isHealthy"
    from reporting_pollers p join service_status_history h on h.poller_id = p.poller_id
      and h.reported_at > p.last_seen_at - interval '7 days'
    where p.poller_id = ${id}
    group by h.reported_at order by h.reported_at desc limit ${limit}`
  )

export const layer: Layer.Layer<StatusHistory, never, PgConnection> = Layer.effect(
  StatusHistory,
  Effect.map(PgConnection, (connection) => {
    const run = <A>(
      operation: keyof StatusHistory["Service"],
      use: (sql: PgClient.PgClient) => Effect.Effect<A, SqlError>
    ): Effect.Effect<A, StatusStoreError> =>
      Effect.flatMap(connection.client, use).pipe(
        Effect.mapError((error) => new StatusStoreError({ operation, reason: reasonOf(error) })),
        Effect.withSpan(`StatusHistory.${operation}`)
      )
    return StatusHistory.of({
      pollers: (limit, id) => run("pollers", (sql) => pollers(sql, limit, id)),
      services: (filter) => run("services", (sql) => services(sql, filter)),
      ofServices: (keys, span) =>
        keys.length === 0 ? Effect.succeed([]) : run("ofServices", (sql) => ofServices(sql, keys, span)),
      healthOf: (id, limit) => run("healthOf", (sql) => healthOf(sql, id, limit))
    })
  })
)
