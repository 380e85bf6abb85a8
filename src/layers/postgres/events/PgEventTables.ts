/**
 * The event tables in PostgreSQL, in a schema of their own.
 *
 * With TimescaleDB its policies do the maintenance, and only the retention is set here. Without it, partitions are made
 * and dropped by functions in the database, each call a transaction under an advisory lock per table.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { Clock, DateTime, Effect, Layer } from "effect"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import { type TableName, tables } from "../../../domain/events/rows/Tables.ts"
import * as PartitionPlan from "../../../domain/events/storing/PartitionPlan.ts"
import { type Retention, retentionDefault, tableNames } from "../../../domain/events/storing/TablePolicy.ts"
import { EventStoreError, StoreUnavailable } from "../../../services/event-writer/EventStore.ts"
import { EventTables, type Maintained } from "../../../services/event-writer/EventTables.ts"
import { type DatabaseUnavailable, PgConnection } from "../PgConnection.ts"
import * as SqlFailure from "../SqlFailure.ts"
import { quote } from "./InsertStatement.ts"
import { migrations } from "./migrations/migrations.ts"
import * as Timescale from "./Timescale.ts"

export interface PgEventTablesOptions {
  /** Default `platform`, as in the existing database. */
  readonly schema?: string
  readonly retention?: Partial<Retention>
  /** Partitions made before their day comes. Default 3. */
  readonly daysAhead?: number
}

const nothing: Maintained = { created: 0, dropped: 0, removedRows: 0, postponed: 0 }

const sum = (one: Maintained, other: Maintained): Maintained => ({
  created: one.created + other.created,
  dropped: one.dropped + other.dropped,
  removedRows: one.removedRows + other.removedRows,
  postponed: one.postponed + other.postponed
})

const migrate = Effect.fnUntraced(function*(sql: PgClient.PgClient, schema: string) {
  // Two programs that do this at once: one of them is told that the schema is there already.
  yield* Effect.ignore(sql`create schema if not exists ${sql(schema)}`)
  yield* Migrator.make({})({
    loader: Migrator.fromRecord(migrations(schema)),
    table: `${schema}.event_writer_migrations`
  }).pipe(
    Effect.provideService(SqlClient.SqlClient, sql),
    // A rollback on a connection that broke is a defect to the client, but an outage to us.
    Effect.catchDefect((defect) => isSqlError(defect) ? Effect.fail(defect) : Effect.die(defect))
  )
})

const partitionsOf = (sql: PgClient.PgClient, schema: string, table: TableName) =>
  Effect.map(
    sql<{ name: string }>`
      select child.relname as name from pg_inherits join pg_class child on child.oid = inhrelid
      where inhparent = to_regclass(${`${quote(schema)}.${quote(table)}`})`,
    (rows) => rows.map(({ name }) => name)
  )

/** One moment of each day for which rows wait, the newest days first. */
const waitingOf = (sql: PgClient.PgClient, schema: string, table: TableName) =>
  Effect.map(
    sql.unsafe<{ at: Date }>(
      `select max(${quote(tables[table].time)}) as at from ${quote(schema)}.${quote(`${table}_default`)}
       group by date_bin('1 day', ${quote(tables[table].time)}, timestamptz 'epoch') order by 1 desc limit 100`
    ),
    (rows) => rows.map(({ at }) => at.getTime()).filter(Number.isFinite)
  )

/** Deletes in slices, so that no transaction is long. */
const slice = 10_000

const removeWaiting = Effect.fnUntraced(
  function*(sql: PgClient.PgClient, schema: string, table: TableName, before: Date) {
    const from = `${quote(schema)}.${quote(`${table}_default`)}`
    let total = 0
    let removed = slice
    while (removed === slice) {
      const [row] = yield* sql.unsafe<{ removed: number }>(
        `with doomed as (delete from ${from} where ctid = any(array(
           select ctid from ${from} where ${quote(tables[table].time)} < $1::timestamptz limit ${slice})) returning 1)
         select count(*)::int as removed from doomed`,
        [before]
      )
      removed = row?.removed ?? 0
      total += removed
    }
    return total
  }
)

const isBusy = (error: SqlError) => error.reason._tag === "LockTimeoutError"

const maintainTable = Effect.fnUntraced(
  function*(sql: PgClient.PgClient, options: Required<PgEventTablesOptions>, table: TableName, retention: Retention) {
    const { daysAhead, schema } = options
    const plan = PartitionPlan.make({
      table,
      existing: yield* partitionsOf(sql, schema, table),
      waitingMillis: yield* waitingOf(sql, schema, table),
      nowMillis: yield* Clock.currentTimeMillis,
      retention: retention[table],
      daysAhead
    })
    const count = (done: ReadonlyArray<{ readonly done: boolean }>, as: Partial<Maintained>): Maintained =>
      done[0]?.done === true ? { ...nothing, ...as } : nothing
    const postpone = <E extends SqlError>(step: Effect.Effect<Maintained, E>) =>
      Effect.catchIf(step, isBusy, () => Effect.succeed<Maintained>({ ...nothing, postponed: 1 }))
    const removedRows = yield* removeWaiting(
      sql,
      schema,
      table,
      DateTime.toDateUtc(DateTime.makeUnsafe(plan.keptSinceMillis))
    )
    const created = yield* Effect.forEach(plan.create, ({ fromMillis, name, toMillis }) =>
      sql<{ done: boolean }>`
        select ${sql(schema)}.event_partition_add(${table}, ${tables[table].time}, ${name},
          ${DateTime.toDateUtc(DateTime.makeUnsafe(fromMillis))}, ${
        DateTime.toDateUtc(DateTime.makeUnsafe(toMillis))
      }) as done`
        .pipe(Effect.map((rows) => count(rows, { created: 1 })), postpone))
    const dropped = yield* Effect.forEach(
      plan.drop,
      (name) =>
        sql<{ done: boolean }>`select ${sql(schema)}.event_partition_drop(${table}, ${name}) as done`.pipe(
          Effect.map((rows) => count(rows, { dropped: 1 })),
          postpone
        )
    )
    return [...created, ...dropped].reduce(sum, { ...nothing, removedRows })
  }
)

const isHypertable = (sql: PgClient.PgClient) => Effect.provideService(Timescale.isInstalled, SqlClient.SqlClient, sql)

const retentionOf = (options: Required<PgEventTablesOptions>): Retention => ({
  ...retentionDefault,
  ...options.retention
})

const maintain = Effect.fnUntraced(function*(sql: PgClient.PgClient, options: Required<PgEventTablesOptions>) {
  if (yield* isHypertable(sql)) return nothing
  const retention = retentionOf(options)
  const done = yield* Effect.forEach(tableNames, (table) => maintainTable(sql, options, table, retention))
  return done.reduce(sum, nothing)
})

const prepare = Effect.fnUntraced(function*(sql: PgClient.PgClient, options: Required<PgEventTablesOptions>) {
  yield* migrate(sql, options.schema)
  yield* maintain(sql, options)
  if (!(yield* isHypertable(sql))) return
  const retention = retentionOf(options)
  const statements = tableNames.flatMap((table) => Timescale.setRetention(options.schema, table, retention[table]))
  yield* Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true })
})

const failed = (operation: string) => (error: SqlError | Migrator.MigrationError | DatabaseUnavailable) =>
  new EventStoreError({
    operation,
    reason: new StoreUnavailable({ code: "", detail: SqlFailure.detail(error) })
  })

export const layer = (options: PgEventTablesOptions = {}): Layer.Layer<EventTables, never, PgConnection> => {
  const { daysAhead = 3, retention = {}, schema = "platform" } = options
  const complete = { schema, retention, daysAhead }
  return Layer.effect(
    EventTables,
    Effect.map(PgConnection, (connection) =>
      EventTables.of({
        prepare: Effect.flatMap(connection.client, (sql) => prepare(sql, complete)).pipe(
          Effect.mapError(failed("preparing the tables")),
          Effect.withSpan("EventTables.prepare")
        ),
        maintain: Effect.flatMap(connection.client, (sql) => maintain(sql, complete)).pipe(
          Effect.mapError(failed("maintaining the tables")),
          Effect.withSpan("EventTables.maintain")
        )
      }))
  )
}
