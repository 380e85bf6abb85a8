/**
 * Keeps the partitions of one table: those of the days to come, and none that is older than the table keeps rows.
 *
 * Rows of any time are stored, if need be in the default partition. Here they move on from it: to a partition for their
 * day, or out when they are too old. Only rows from further ahead than planned stay, until their day comes near. Moving
 * locks the default partition, never the table: writers of other days do not notice.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { Clock, DateTime, Duration, Effect, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { type TableName, tables } from "../../../domain/events/rows/Tables.ts"
import * as PartitionPlan from "../../../domain/events/storing/PartitionPlan.ts"
import type { Maintained } from "../../../services/events/EventTables.ts"
import * as Rows from "../../postgres/connection/Rows.ts"
import { quote } from "./InsertStatement.ts"

export const nothing: Maintained = { created: 0, dropped: 0, removedRows: 0, postponed: 0 }

export const sum = (one: Maintained, other: Maintained): Maintained => ({
  created: one.created + other.created,
  dropped: one.dropped + other.dropped,
  removedRows: one.removedRows + other.removedRows,
  postponed: one.postponed + other.postponed
})

/** In one round; the oldest first, so that rows from wrong clocks, which stay, do not stand in the way of the others. */
const waitingDaysMax = 100

const Named = Schema.Struct({ name: Schema.String })

const partitionsOf = (sql: PgClient.PgClient, schema: string, table: TableName) =>
  Effect.map(
    Rows.query(
      Named,
      sql`select child.relname as name from pg_inherits join pg_class child on child.oid = inhrelid
        where inhparent = to_regclass(${`${quote(schema)}.${quote(table)}`})`
    ),
    (rows) => rows.map(({ name }) => name)
  )

const Moment = Schema.Struct({ at: Schema.Date })

/** One moment of each day since then for which rows wait. */
const waitingOf = (sql: PgClient.PgClient, schema: string, table: TableName, since: Date) => {
  const time = quote(tables[table].time)
  return Effect.map(
    Rows.query(
      Moment,
      sql.unsafe(
        `select min(${time}) as at from ${quote(schema)}.${quote(`${table}_default`)} where ${time} >= $1::timestamptz
         group by date_bin('1 day', ${time}, timestamptz 'epoch') order by 1 limit ${waitingDaysMax}`,
        [since]
      )
    ),
    (rows) => rows.map(({ at }) => at.getTime()).filter(Number.isFinite)
  )
}

/** Deletes in slices, so that no transaction is long. */
const slice = 10_000

const Removed = Schema.Struct({ removed: Schema.Int })

/** From a table that is not partitioned. */
export const removeOld = Effect.fnUntraced(
  function*(sql: PgClient.PgClient, schema: string, table: TableName, before: Date, relation: string = table) {
    const from = `${quote(schema)}.${quote(relation)}`
    let total = 0
    let removed = slice
    while (removed === slice) {
      const [row] = yield* Rows.query(
        Removed,
        sql.unsafe(
          `with doomed as (delete from ${from} where ctid = any(array(
             select ctid from ${from} where ${quote(tables[table].time)} < $1::timestamptz limit ${slice})) returning 1)
           select count(*)::int as removed from doomed`,
          [before]
        )
      )
      removed = row?.removed ?? 0
      total += removed
    }
    return total
  }
)

const isBusy = (error: SqlError) => error.reason._tag === "LockTimeoutError"

const Done = Schema.Struct({ done: Schema.Boolean })

/** Another program may have done it a moment before. */
const step = (
  call: Effect.Effect<ReadonlyArray<typeof Done.Type>, SqlError>,
  as: Partial<Maintained>
): Effect.Effect<Maintained, SqlError> =>
  call.pipe(
    Effect.map((rows) => rows[0]?.done === true ? { ...nothing, ...as } : nothing),
    Effect.catchIf(isBusy, () => Effect.succeed({ ...nothing, postponed: 1 }))
  )

export const toDate = (millis: number): Date => DateTime.toDateUtc(DateTime.makeUnsafe(millis))

/** One round for one table. */
export const maintain = Effect.fn("PartitionMaintenance.maintain")(function*(
  sql: PgClient.PgClient,
  options: {
    readonly schema: string
    readonly table: TableName
    readonly retention: Duration.Duration
    readonly daysAhead: number
  }
) {
  const { daysAhead, retention, schema, table } = options
  const nowMillis = yield* Clock.currentTimeMillis
  const since = toDate(nowMillis - Duration.toMillis(retention))
  const removedRows = yield* removeOld(sql, schema, table, since, `${table}_default`)
  const plan = PartitionPlan.make({
    table,
    existing: yield* partitionsOf(sql, schema, table),
    waitingMillis: yield* waitingOf(sql, schema, table, since),
    nowMillis,
    retention,
    daysAhead
  })
  const created = yield* Effect.forEach(plan.create, ({ fromMillis, name, toMillis }) =>
    step(
      Rows.query(
        Done,
        sql`select ${sql(schema)}.event_partition_add(${table}, ${tables[table].time}, ${name}, ${toDate(fromMillis)},
          ${toDate(toMillis)}) as done`
      ),
      { created: 1 }
    ))
  const dropped = yield* Effect.forEach(plan.drop, (name) =>
    step(
      Rows.query(Done, sql`select ${sql(schema)}.event_partition_drop(${table}, ${name}) as done`),
      { dropped: 1 }
    ))
  return [...created, ...dropped].reduce(sum, { ...nothing, removedRows })
})
