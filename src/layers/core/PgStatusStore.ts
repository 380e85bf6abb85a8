/**
 * The status store in PostgreSQL.
 *
 * One statement per report, its rows as `unnest` of arrays; a very large report is several in one transaction, so that
 * preparing it keeps nobody else waiting. A status is the
 * same as one before when service, poller, report time and content are; a late report is added to the history but does
 * not replace a newer state. Inventories (type `sync`, megabytes each) are kept in the current state only; the history
 * has `{"status":"processed"}` for them.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as PgTypes from "@effect/sql-pg/PgTypes"
import { DateTime, type Duration, Effect, Layer, Result, Schedule, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import * as crypto from "node:crypto"
import { Partition, PollerId } from "../../domain/monitoring/Ids.ts"
import type { AvailabilityChange } from "../../domain/monitoring/reports/AvailabilityChange.ts"
import { ServiceState } from "../../domain/monitoring/reports/ServiceState.ts"
import type { ServiceFilter } from "../../domain/monitoring/reports/ServiceState.ts"
import type { ReportedStatus, StatusReport } from "../../domain/monitoring/reports/StatusReport.ts"
import { inventoryType } from "../../domain/monitoring/ServiceKinds.ts"
import { StatusStore, StatusStoreError, StoreRefused, StoreUnavailable } from "../../services/core/StatusStore.ts"
import * as OutageNotice from "../postgres/connection/OutageNotice.ts"
import { type DatabaseUnavailable, PgConnection } from "../postgres/connection/PgConnection.ts"
import * as Rows from "../postgres/connection/Rows.ts"
import * as SqlFailure from "../postgres/connection/SqlFailure.ts"
import * as PollerTurns from "./PollerTurns.ts"

const processed = "{\"status\":\"processed\"}"

/** PostgreSQL's text holds no NUL; JSON has none outside of strings, where it is written `\u0000`. */
const withoutNul = (text: string): string => text.includes("\0") ? text.replaceAll("\0", "\uFFFD") : text

const hashOf = (status: ReportedStatus): string =>
  crypto.createHash("sha256")
    .update(JSON.stringify([status.partition, status.available, `${status.responseTimeNanos}`, status.source]))
    .update(status.message)
    .digest("hex")

const arrayOf = (values: ReadonlyArray<unknown>, oid: number) => Result.getOrThrow(PgTypes.array(values, oid))

/** Between two statuses of a service: what was in a longer one nobody knows, so the state counts from its end. */
const gapIntervals = 3
const intervalDefaultMillis = 5 * 60_000
/** Statuses wait some seconds for each other. */
const gapSlackMillis = 10_000

const gapMax = ({ intervalMillis }: StatusReport): number =>
  gapIntervals * (intervalMillis ?? intervalDefaultMillis) + gapSlackMillis

const columns = (statuses: ReadonlyArray<ReportedStatus>) => ({
  partition: arrayOf(statuses.map((status) => status.partition), PgTypes.OID.text),
  agentId: arrayOf(statuses.map((status) => status.agentId), PgTypes.OID.text),
  serviceType: arrayOf(statuses.map((status) => status.serviceType), PgTypes.OID.text),
  serviceName: arrayOf(statuses.map((status) => withoutNul(status.serviceName)), PgTypes.OID.text),
  available: arrayOf(statuses.map((status) => status.available), PgTypes.OID.bool),
  responseTimeNanos: arrayOf(statuses.map((status) => status.responseTimeNanos), PgTypes.OID.int8),
  source: arrayOf(statuses.map((status) => status.source), PgTypes.OID.text),
  kvStoreId: arrayOf(statuses.map((status) => withoutNul(status.kvStoreId)), PgTypes.OID.text),
  message: arrayOf(statuses.map((status) => withoutNul(status.message)), PgTypes.OID.text),
  hash: arrayOf(statuses.map(hashOf), PgTypes.OID.text)
})

/** A status, by its place in the report from 1, that differs from what was known. */
const Turn = Schema.Struct({ position: Schema.Int, previous: Schema.NullOr(Schema.Boolean) })
type Turn = typeof Turn.Type

const Written = Schema.Struct({
  stored: Schema.Int,
  changes: Schema.Array(Turn),
  /** Null for a poller that was not there. */
  wasMissed: Schema.NullOr(Schema.Boolean)
})

/**
 * One statement, hence one transaction and one round trip, and nothing to roll back when the connection breaks.
 *
 * What it selects is as before it: `wasMissed` too, and so who is `back`.
 *
 * A state from the future, of a clock that was wrong since, gives way to any newer report: it would hide them all.
 *
 * Of several statuses of one service the last becomes the state. Rows are written in key order, so that writers of the
 * same services wait for each other instead of deadlocking.
 */
const appendSlice = (sql: PgClient.PgClient, report: StatusReport, receivedAt: DateTime.Utc) => {
  const row = columns(report.statuses)
  const at = DateTime.toDateUtc(receivedAt)
  const statement = sql`
    with report as (
      select ${DateTime.toDateUtc(report.reportedAt)}::timestamptz as reported_at, ${at}::timestamptz as received_at,
        ${DateTime.toDateUtc(report.recordedAt)}::timestamptz as recorded_at, ${report.pollerId}::text as poller_id
    ), poller as (
      insert into reporting_pollers as known (
        poller_id, partition, source_ip, first_seen_at, last_seen_at, report_interval_millis)
      select poller_id, ${report.partition}, ${report.sourceIp}, received_at, received_at,
        ${report.intervalMillis ?? null}::bigint from report
      on conflict (poller_id) do update set
        report_interval_millis = excluded.report_interval_millis,
        is_missed = false,
        partition = excluded.partition,
        source_ip = coalesce(nullif(excluded.source_ip, ''), known.source_ip),
        last_seen_at = greatest(excluded.last_seen_at, known.last_seen_at)
      returning source_ip
    ), back as (
      insert into untold_poller_turns (poller_id, is_missed, turned_at, silence_millis)
      select poller_id, false, received_at, extract(epoch from received_at - last_seen_at) * 1000
      from report join reporting_pollers using (poller_id) where is_missed
      on conflict (poller_id, is_missed) do update set
        turned_at = excluded.turned_at, silence_millis = excluded.silence_millis
    ), given as (
      select * from unnest(${row.partition}::text[], ${row.agentId}::text[], ${row.serviceType}::text[],
        ${row.serviceName}::text[], ${row.available}::bool[], ${row.responseTimeNanos}::int8[], ${row.source}::text[],
        ${row.kvStoreId}::text[], ${row.message}::text[], ${row.hash}::text[]) with ordinality
        as status (partition, agent_id, service_type, service_name, available, response_time_nanos, source,
          kv_store_id, message, hash, position)
    ), newest as (
      select distinct on (partition, agent_id, service_type, service_name) *
      from given
      order by partition, agent_id, service_type, service_name, position desc
    ), turned as (
      select newest.position, known.available as previous
      from newest cross join report
        left join service_state known using (partition, agent_id, service_type, service_name)
      where known.available is distinct from newest.available
        and (known.reported_at is null or known.reported_at <= report.reported_at
          or known.reported_at > report.received_at)
    ), added as (
      insert into service_status_history (
        reported_at, poller_id, received_at, partition, agent_id, service_type, service_name, available,
        response_time_nanos, source, kv_store_id, message, content_hash)
      select recorded_at, poller_id, received_at, partition, agent_id, service_type, service_name, available,
        response_time_nanos, source, kv_store_id,
        case when service_type = ${inventoryType} then ${processed} else message end, decode(hash, 'hex')
      from given, report
      order by agent_id, service_type, service_name
      on conflict do nothing
      returning 1
    ), state as (
      insert into service_state as known (
        partition, agent_id, service_type, service_name, poller_id, source_ip, available, response_time_nanos, source,
        kv_store_id, message, reported_at, last_change_at, first_seen_at)
      select partition, agent_id, service_type, service_name, poller_id, source_ip, available, response_time_nanos,
        source, kv_store_id, message, reported_at, reported_at, reported_at
      from newest, report, poller
      order by partition, agent_id, service_type, service_name
      on conflict (partition, agent_id, service_type, service_name) do update set
        poller_id = excluded.poller_id,
        source_ip = excluded.source_ip,
        available = excluded.available,
        response_time_nanos = excluded.response_time_nanos,
        source = excluded.source,
        kv_store_id = excluded.kv_store_id,
        message = excluded.message,
        reported_at = excluded.reported_at,
        last_change_at = case when known.available = excluded.available and (
            excluded.source = 'results'
            or excluded.reported_at - known.reported_at <= ${gapMax(report)} * interval '1 millisecond'
          ) then known.last_change_at else excluded.reported_at end
      where known.reported_at <= excluded.reported_at or known.reported_at > ${at}::timestamptz
    )
    select (select count(*)::int from added) as stored,
      (select is_missed from reporting_pollers where poller_id = ${report.pollerId}) as "wasMissed",
      (select coalesce(json_agg(turned order by position), '[]') from turned) as changes`
  return Rows.query(Written, statement).pipe(
    Effect.map(([written]) => {
      const stored = written?.stored ?? 0
      const wasMissed = written?.wasMissed ?? undefined
      return {
        ...(wasMissed === undefined ? {} : { poller: { isMissed: wasMissed } }),
        stored,
        repeated: report.statuses.length - stored,
        changes: (written?.changes ?? []).flatMap((turn) => changeOf(report, turn))
      }
    })
  )
}

/** What one statement takes; few reports are larger. */
const sliceMax = { statuses: 500, characters: 1024 * 1024 }

const slicesOf = (report: StatusReport): ReadonlyArray<StatusReport> => {
  const slices: Array<StatusReport> = []
  let from = 0
  let characters = 0
  report.statuses.forEach(({ message }, index) => {
    characters += message.length
    const next = index + 1
    const isFull = next - from >= sliceMax.statuses || characters >= sliceMax.characters
    if (!isFull || next === report.statuses.length) return
    slices.push({ ...report, statuses: report.statuses.slice(from, next) })
    from = next
    characters = 0
  })
  return slices.length === 0 ? [report] : [...slices, { ...report, statuses: report.statuses.slice(from) }]
}

/** All of the report or nothing. Of several statuses of one service the last becomes the state, across slices too. */
const append = (sql: PgClient.PgClient, report: StatusReport, receivedAt: DateTime.Utc) => {
  const slices = slicesOf(report)
  const [only] = slices
  if (only !== undefined && slices.length === 1) return appendSlice(sql, only, receivedAt)
  return Effect.map(
    sql.withTransaction(Effect.forEach(slices, (slice) => appendSlice(sql, slice, receivedAt))),
    (parts) => ({
      ...(parts[0]?.poller === undefined ? {} : { poller: parts[0].poller }),
      stored: parts.reduce((sum, { stored }) => sum + stored, 0),
      repeated: parts.reduce((sum, { repeated }) => sum + repeated, 0),
      changes: parts.flatMap(({ changes }) => changes)
    })
  )
}

const changeOf = (report: StatusReport, { position, previous }: Turn): ReadonlyArray<AvailabilityChange> => {
  const status = report.statuses[position - 1]
  return status === undefined ? [] : [{
    partition: status.partition,
    agentId: status.agentId,
    serviceType: status.serviceType,
    serviceName: status.serviceName,
    pollerId: report.pollerId,
    sourceIp: report.sourceIp,
    available: status.available,
    previous: previous ?? undefined,
    reportedAt: report.reportedAt,
    document: status.message
  }]
}

const StateRow = Schema.Struct({
  ...ServiceState.fields,
  reportedAt: Schema.DateTimeUtcFromDate,
  lastChangeAt: Schema.DateTimeUtcFromDate,
  firstSeenAt: Schema.DateTimeUtcFromDate
})

const current = (sql: PgClient.PgClient, filter: ServiceFilter) =>
  sql`
    select partition, agent_id as "agentId", service_type as "serviceType", service_name as "serviceName",
      poller_id as "pollerId", source_ip as "sourceIp", available, response_time_nanos::float8 as "responseTimeNanos",
      message, source, kv_store_id as "kvStoreId", reported_at as "reportedAt", last_change_at as "lastChangeAt",
      first_seen_at as "firstSeenAt"
    from service_state
    where ${
    sql.and([
      sql`true`,
      ...(filter.agent === undefined ? [] : [sql`agent_id = ${filter.agent}`]),
      ...(filter.poller === undefined ? [] : [sql`poller_id = ${filter.poller}`]),
      ...(filter.type === undefined ? [] : [sql`service_type = ${filter.type}`]),
      ...(filter.name === undefined ? [] : [sql`service_name = ${filter.name}`]),
      ...(filter.available === undefined ? [] : [sql`available = ${filter.available}`]),
      ...(filter.partition === undefined ? [] : [sql`partition = ${filter.partition}`])
    ])
  }
    order by partition, agent_id, service_type, service_name
    limit ${filter.limit}`

const PollerRow = Schema.Struct({
  pollerId: PollerId,
  partition: Partition,
  sourceIp: Schema.String,
  atMillis: Schema.Finite,
  intervalMillis: Schema.NullOr(Schema.Finite),
  isMissed: Schema.Boolean
})
const decodePollers = Schema.decodeUnknownEffect(Schema.Array(PollerRow))

const pollers = (sql: PgClient.PgClient) =>
  sql`
    select poller_id as "pollerId", partition, source_ip as "sourceIp",
      extract(epoch from last_seen_at)::float8 * 1000 as "atMillis",
      report_interval_millis::float8 as "intervalMillis", is_missed as "isMissed"
    from reporting_pollers`.pipe(
    Effect.flatMap(decodePollers),
    Effect.map((rows) =>
      rows.map(({ intervalMillis, ...row }) => ({ ...row, ...(intervalMillis === null ? {} : { intervalMillis }) }))
    )
  )

/** Deletes in slices, so that no transaction is long and readers are never kept waiting. */
const retentionSlice = 10_000

const Removed = Schema.Struct({ removed: Schema.Int })

const removeSlice = (sql: PgClient.PgClient, before: Date) => {
  const statement = sql`
    with doomed as (
      delete from service_status_history where ctid in (
        select ctid from service_status_history where reported_at < ${before}::timestamptz limit ${retentionSlice})
      returning 1)
    select count(*)::int as removed from doomed`
  return Effect.map(Rows.query(Removed, statement), ([row]) => row?.removed ?? 0)
}

const removeOlderThan = Effect.fnUntraced(function*(sql: PgClient.PgClient, age: Duration.Duration) {
  const before = DateTime.toDateUtc(DateTime.subtractDuration(yield* DateTime.now, age))
  let total = 0
  let removed = retentionSlice
  while (removed === retentionSlice) {
    removed = yield* removeSlice(sql, before)
    total += removed
  }
  return total
})

export const reasonOf = (error: SqlError | DatabaseUnavailable | Schema.SchemaError) => {
  const detail = error._tag === "DatabaseUnavailable" ? error.detail : SqlFailure.detail(error)
  const passes = error._tag === "DatabaseUnavailable" || (error._tag === "SqlError" && SqlFailure.mayPass(error))
  return passes ? new StoreUnavailable({ detail }) : new StoreRefused({ detail })
}

/** A deadlock or a serialization failure: the transaction was rolled back by chance and is simply run again. */
const isChance = (error: { readonly _tag: string; readonly reason?: { readonly _tag: string } }): boolean =>
  error._tag === "SqlError" && (error.reason?._tag === "DeadlockError" || error.reason?._tag === "SerializationError")

const readers: ReadonlySet<keyof StatusStore["Service"]> = new Set(["current", "pollers", "untold"])

export const layer: Layer.Layer<StatusStore, never, PgConnection> = Layer.effect(
  StatusStore,
  Effect.map(PgConnection, (connection) => {
    const watched = OutageNotice.make()
    const run = <A, E extends SqlError | Schema.SchemaError>(
      operation: keyof StatusStore["Service"],
      use: (sql: PgClient.PgClient) => Effect.Effect<A, E>
    ): Effect.Effect<A, StatusStoreError> =>
      Effect.flatMap(connection.client, (sql) => watched(use(sql), !readers.has(operation))).pipe(
        Effect.retry({ schedule: Schedule.jittered(Schedule.spaced("20 millis")), times: 3, while: isChance }),
        Effect.mapError((error) => new StatusStoreError({ operation, reason: reasonOf(error) })),
        Effect.withSpan(`StatusStore.${operation}`)
      )
    return StatusStore.of({
      append: (report, receivedAt) => run("append", (sql) => append(sql, report, receivedAt)),
      current: (filter) => run("current", (sql) => Rows.query(StateRow, current(sql, filter))),
      pollers: run("pollers", pollers),
      noteMissed: (turn) => run("noteMissed", (sql) => PollerTurns.noteMissed(sql, turn)),
      noteTold: (turn) => run("noteTold", (sql) => PollerTurns.noteTold(sql, turn)),
      untold: run("untold", PollerTurns.untold),
      removeOlderThan: (age) => run("removeOlderThan", (sql) => removeOlderThan(sql, age))
    })
  })
)
