/**
 * The event tables in PostgreSQL: made here, or adopted from another writer.
 *
 * With TimescaleDB its policies do the maintenance, and only the retention is set here. Without it, partitions are made
 * and dropped by functions in the database, each call a transaction under an advisory lock per table. A table that we did
 * not make loses rows by our hand only when a retention is asked for it.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { Clock, Duration, Effect, Latch, Layer } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { type TableName, tables } from "../../../domain/events/rows/Tables.ts"
import type { Problem } from "../../../domain/events/storing/AdoptionPlan.ts"
import type { TableForm } from "../../../domain/events/storing/TableForm.ts"
import {
  type AskedRetention,
  retentionDefault,
  tableNames,
  writtenNames
} from "../../../domain/events/storing/TablePolicy.ts"
import { StoreUnavailable } from "../../../services/events/EventStore.ts"
import { EventTables, EventTablesError, TablesUnfit } from "../../../services/events/EventTables.ts"
import * as BrokenRollback from "../../postgres/connection/BrokenRollback.ts"
import { type DatabaseUnavailable, PgConnection } from "../../postgres/connection/PgConnection.ts"
import * as SqlFailure from "../../postgres/connection/SqlFailure.ts"
import * as MigrationRunner from "../../postgres/migrations/MigrationRunner.ts"
import type { MigrationsError } from "../../postgres/migrations/Migrations.ts"
import * as Adoption from "./Adoption.ts"
import type * as AdoptionSteps from "./AdoptionSteps.ts"
import * as GoTables from "./GoTables.ts"
import { eventTables } from "./migrations/0001_eventTables.ts"
import { rowSecurity } from "./migrations/0005_rowSecurity.ts"
import { queryViews } from "./migrations/0006_queryViews.ts"
import { migrations } from "./migrations/migrations.ts"
import * as PartitionMaintenance from "./PartitionMaintenance.ts"
import * as TableCatalog from "./TableCatalog.ts"
import * as TablePlace from "./TablePlace.ts"
import * as Timescale from "./Timescale.ts"

export interface PgEventTablesOptions {
  /** Where the tables are and in whose form; by default the current one in `platform`. */
  readonly place?: TablePlace.TablePlace
  /** In place of `place`, of the current form. */
  readonly schema?: string
  /** Tables of our own making have a default; others are pruned only when asked for. */
  readonly retention?: AskedRetention
  /** Partitions made before their day comes. Default 3. */
  readonly daysAhead?: number
  /** Otherwise tables are only looked at, and whatever keeps rows from being written is a problem. Default yes. */
  readonly mayChange?: boolean
  /** Those that are written. Default all. */
  readonly tables?: (form: TableForm) => ReadonlyArray<TableName>
}

interface Plan {
  readonly schema: string
  readonly form: TableForm
  readonly retention: AskedRetention
  readonly daysAhead: number
  readonly mayChange: boolean
  readonly tables: ReadonlyArray<TableName>
}

const migrate = Effect.fnUntraced(function*(sql: PgClient.PgClient, schema: string) {
  // Two programs that do this at once: one of them is told that the schema is there already.
  yield* Effect.ignore(sql`create schema if not exists ${sql(schema)}`)
  yield* MigrationRunner.migrate(migrations(schema)).pipe(Effect.provideService(SqlClient.SqlClient, sql))
})

/** The key tells: another writer's has no tenant. */
const isOurs = (table: TableCatalog.CatalogTable, name: TableName): boolean =>
  table.primaryKey.join() === tables[name].key.join()

const catalog = (sql: PgClient.PgClient, schema: string) => TableCatalog.read(sql.unsafe, schema, writtenNames)

const maintainTable = Effect.fnUntraced(function*(
  sql: PgClient.PgClient,
  options: Plan,
  name: TableName,
  found: TableCatalog.CatalogTable
) {
  const { daysAhead, schema } = options
  if (found.kind === "partitioned table" && isOurs(found, name)) {
    const retention = options.retention[name] ?? retentionDefault[name]
    return yield* PartitionMaintenance.maintain(sql, { schema, table: name, retention, daysAhead })
  }
  const asked = options.retention[name]
  if (asked === undefined || found.kind !== "table" || found.isHypertable) return PartitionMaintenance.nothing
  const before = (yield* Clock.currentTimeMillis) - Duration.toMillis(asked)
  const removedRows = yield* PartitionMaintenance.removeOld(sql, schema, name, PartitionMaintenance.toDate(before))
  return { ...PartitionMaintenance.nothing, removedRows }
})

const tell = ({ text }: AdoptionSteps.Step) => Effect.logInfo(`Brought an event table up to date: ${text}`)

const maintainAll = Effect.fnUntraced(function*(sql: PgClient.PgClient, options: Plan) {
  const found = yield* catalog(sql, options.schema)
  const done = yield* Effect.forEach(writtenNames, (name) => {
    const table = found.get(name)
    return table === undefined
      ? Effect.succeed(PartitionMaintenance.nothing)
      : maintainTable(sql, options, name, table)
  })
  return done.reduce(PartitionMaintenance.sum, PartitionMaintenance.nothing)
})

const maintain = Effect.fnUntraced(function*(sql: PgClient.PgClient, options: Plan) {
  if (!options.mayChange) return PartitionMaintenance.nothing
  const scope = options.form === "current" ? undefined : Adoption.goScope(options.tables)
  yield* Effect.forEach(yield* Adoption.improve(sql, options.schema, scope), tell)
  return yield* maintainAll(sql, options)
})

const setRetention = Effect.fnUntraced(function*(sql: PgClient.PgClient, options: Plan) {
  const found = yield* catalog(sql, options.schema)
  for (const name of tableNames) {
    const table = found.get(name)
    if (table?.isHypertable !== true) continue
    const retention = options.retention[name] ?? (isOurs(table, name) ? retentionDefault[name] : undefined)
    if (retention === undefined) continue
    yield* Effect.forEach(Timescale.setRetention(options.schema, name, retention), (text) => sql.unsafe(text), {
      discard: true
    })
  }
})

/** As they are: nothing is added to them, so that the other system's migrations find what they expect. */
const prepareGo = Effect.fnUntraced(function*(sql: PgClient.PgClient, plan: Plan) {
  if (plan.mayChange) {
    for (const text of yield* GoTables.missing(sql, plan.schema, plan.tables)) {
      yield* sql.unsafe(text)
      yield* Effect.logInfo(`Made a table as the Go writer of v1.0.76 has it: ${text}`)
    }
  }
  const { notes, problems, steps } = plan.mayChange
    ? yield* Adoption.adopt(sql, plan.schema, Adoption.goScope(plan.tables))
    : yield* Adoption.shortcomings(sql, plan.schema, plan.tables, Adoption.goScope(plan.tables))
  yield* Effect.forEach(steps, tell)
  yield* Effect.forEach(notes, (note) => Effect.logWarning(note))
  if (problems.length > 0) return yield* unfit(problems)
})

/** What the migrations made once and somebody has dropped since. */
const remake = Effect.fnUntraced(function*(sql: PgClient.PgClient, schema: string) {
  const found = yield* catalog(sql, schema)
  const gone = tableNames.filter((name) => !found.has(name))
  if (gone.length === 0) return
  // With a table its policies went, and the views over it.
  yield* Effect.forEach([eventTables, rowSecurity, queryViews], (made) => made(schema), { discard: true }).pipe(
    Effect.provideService(SqlClient.SqlClient, sql)
  )
  yield* Effect.logWarning(`Made tables again that were gone: ${gone.join(", ")}`)
})

const prepareCurrent = Effect.fnUntraced(function*(sql: PgClient.PgClient, options: Plan) {
  if (options.mayChange) yield* migrate(sql, options.schema)
  if (options.mayChange) yield* remake(sql, options.schema)
  const { notes, problems, steps } = yield* options.mayChange
    ? Adoption.adopt(sql, options.schema)
    : Adoption.shortcomings(sql, options.schema, options.tables)
  yield* Effect.forEach(steps, tell)
  yield* Effect.forEach(notes, (note) => Effect.logWarning(note))
  if (options.mayChange) {
    yield* maintainAll(sql, options)
    yield* setRetention(sql, options)
  }
  if (problems.length > 0) return yield* unfit(problems)
})

const prepare = (sql: PgClient.PgClient, plan: Plan) =>
  plan.form === "current" ? prepareCurrent(sql, plan) : prepareGo(sql, plan)

const unfit = (problems: ReadonlyArray<Problem>) =>
  new EventTablesError({ operation: "adopting existing tables", reason: new TablesUnfit({ problems }) })

const failed =
  (operation: string) =>
  (error: SqlError | MigrationsError | DatabaseUnavailable | EventTablesError | StoreUnavailable) =>
    error._tag === "EventTablesError" ? error : new EventTablesError({
      operation,
      reason: error._tag === "StoreUnavailable"
        ? error
        : new StoreUnavailable({ code: "", detail: SqlFailure.detail(error) })
    })

const notYet = new EventTablesError({
  operation: "preparing the tables",
  reason: new StoreUnavailable({ code: "", detail: "not done yet" })
})

export const layer = (options: PgEventTablesOptions = {}): Layer.Layer<EventTables, never, PgConnection> => {
  const { daysAhead = 3, mayChange = true, retention = {}, tables = () => tableNames } = options
  const { place = TablePlace.inSchema(options.schema) } = options
  const planned = Effect.map(place, ({ form, schema }): Plan => ({
    schema,
    form,
    retention,
    daysAhead,
    mayChange,
    tables: tables(form)
  }))
  return Layer.effect(
    EventTables,
    Effect.map(PgConnection, (connection) => {
      const disturbance = Latch.makeUnsafe(false)
      let ready: Effect.Effect<void, EventTablesError> = Effect.fail(notYet)
      const work = <A, E>(run: (sql: PgClient.PgClient, plan: Plan) => Effect.Effect<A, E>) =>
        Effect.gen(function*() {
          const sql = yield* connection.client
          return yield* run(sql, yield* planned)
        })
      return EventTables.of({
        prepare: work(prepare).pipe(
          BrokenRollback.asFailure,
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
        disturbed: Effect.sync(() => disturbance.openUnsafe()),
        awaitDisturbed: Effect.andThen(disturbance.await, Effect.sync(() => disturbance.closeUnsafe())),
        ready: Effect.suspend(() => ready),
        maintain: work(maintain).pipe(
          BrokenRollback.asFailure,
          Effect.mapError(failed("maintaining the tables")),
          Effect.withSpan("EventTables.maintain")
        )
      })
    })
  )
}
