/**
 * The event tables in PostgreSQL, in a schema of their own.
 *
 * With TimescaleDB its policies do the maintenance, and only the retention is set here. Without it, partitions are made
 * and dropped by functions in the database, each call a transaction under an advisory lock per table.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, Layer } from "effect"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import { type Retention, retentionDefault, tableNames } from "../../../domain/events/storing/TablePolicy.ts"
import { StoreUnavailable } from "../../../services/event-writer/EventStore.ts"
import { EventTables, EventTablesError } from "../../../services/event-writer/EventTables.ts"
import { type DatabaseUnavailable, PgConnection } from "../PgConnection.ts"
import * as SqlFailure from "../SqlFailure.ts"
import { migrations } from "./migrations/migrations.ts"
import * as PartitionMaintenance from "./PartitionMaintenance.ts"
import * as Timescale from "./Timescale.ts"

export interface PgEventTablesOptions {
  /** Default `platform`, as in the existing database. */
  readonly schema?: string
  readonly retention?: Partial<Retention>
  /** Partitions made before their day comes. Default 3. */
  readonly daysAhead?: number
}

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

const isHypertable = (sql: PgClient.PgClient) => Effect.provideService(Timescale.isInstalled, SqlClient.SqlClient, sql)

const retentionOf = (options: Required<PgEventTablesOptions>): Retention => ({
  ...retentionDefault,
  ...options.retention
})

const maintain = Effect.fnUntraced(function*(sql: PgClient.PgClient, options: Required<PgEventTablesOptions>) {
  if (yield* isHypertable(sql)) return PartitionMaintenance.nothing
  const { daysAhead, schema } = options
  const retention = retentionOf(options)
  const done = yield* Effect.forEach(
    tableNames,
    (table) => PartitionMaintenance.maintain(sql, { schema, table, retention: retention[table], daysAhead })
  )
  return done.reduce(PartitionMaintenance.sum, PartitionMaintenance.nothing)
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
  new EventTablesError({
    operation,
    reason: new StoreUnavailable({ code: "", detail: SqlFailure.detail(error) })
  })

const notYet = new EventTablesError({
  operation: "preparing the tables",
  reason: new StoreUnavailable({ code: "", detail: "not done yet" })
})

export const layer = (options: PgEventTablesOptions = {}): Layer.Layer<EventTables, never, PgConnection> => {
  const { daysAhead = 3, retention = {}, schema = "platform" } = options
  const complete = { schema, retention, daysAhead }
  return Layer.effect(
    EventTables,
    Effect.map(PgConnection, (connection) => {
      let ready: Effect.Effect<void, EventTablesError> = Effect.fail(notYet)
      return EventTables.of({
        prepare: Effect.flatMap(connection.client, (sql) => prepare(sql, complete)).pipe(
          Effect.mapError(failed("preparing the tables")),
          Effect.tap(() => {
            ready = Effect.void
            return Effect.void
          }),
          Effect.tapError((error) => {
            ready = Effect.fail(error)
            return Effect.void
          }),
          Effect.withSpan("EventTables.prepare")
        ),
        ready: Effect.suspend(() => ready),
        maintain: Effect.flatMap(connection.client, (sql) => maintain(sql, complete)).pipe(
          Effect.mapError(failed("maintaining the tables")),
          Effect.withSpan("EventTables.maintain")
        )
      })
    })
  )
}
