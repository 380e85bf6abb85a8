import { assert, layer } from "@effect/vitest"
import { Duration, Effect, Result } from "effect"
import * as TestClock from "effect/testing/TestClock"
import type { EventRow } from "../../../../src/domain/events/storing/Suspects.ts"
import * as EventDecoder from "../../../../src/layers/events/decode/EventDecoder.ts"
import * as PgEventTables from "../../../../src/layers/events/store/PgEventTables.ts"
import { PgConnection } from "../../../../src/layers/postgres/connection/PgConnection.ts"
import { EventStore } from "../../../../src/services/events/EventStore.ts"
import { EventTables } from "../../../../src/services/events/EventTables.ts"
import { layer as eventStore } from "../../../support/eventStore.ts"
import { json, message, telemetry } from "../decode/samples.ts"

const decode = EventDecoder.make({ tenantDefault: "acme" })

const partitions = Effect.fnUntraced(function*(table: string) {
  const sql = yield* (yield* PgConnection).client
  const found = yield* sql<{ name: string }>`
    select child.relname as name from pg_inherits join pg_class child on child.oid = inhrelid
    where inhparent = ${`platform.${table}`}::regclass order by 1`
  return found.map(({ name }) => name)
})

/** Which partition each row of the tenant is in. */
const places = Effect.fnUntraced(function*(tenant: string) {
  const sql = yield* (yield* PgConnection).client
  const found = yield* sql<{ place: string }>`
    select tableoid::regclass::text as place from platform.timeseries_metrics where tenant_id = ${tenant}
    order by timestamp`
  return found.map(({ place }) => place.replace("platform.timeseries_metrics_", ""))
})

const write = Effect.fnUntraced(function*(tenant: string, timestamps: ReadonlyArray<string>) {
  const rows = timestamps.flatMap((timestamp): ReadonlyArray<EventRow> =>
    Result.getOrThrow(decode(message(`${tenant}.telemetry`, json({ ...telemetry, timestamp })))).content.rows
  )
  yield* Effect.flatMap(EventStore, (store) => store.write("timeseries_metrics", rows))
})

/** A round of maintenance at noon of a day. */
const maintainOn = Effect.fnUntraced(function*(day: string) {
  yield* TestClock.setTime(Date.parse(`${day}T12:00:00Z`))
  return yield* (yield* EventTables).maintain
}, Effect.provide(TestClock.layer()))

layer(eventStore(), { excludeTestServices: true, timeout: "30 seconds" })("PgEventTables", (it) => {
  it.effect("makes days ahead once, moves waiting rows there, and drops what is too old", () =>
    Effect.gen(function*() {
      yield* write("days", [
        "2031-01-01T10:00:00Z",
        "2031-01-08T10:00:00Z",
        "2031-01-10T00:00:00Z",
        "2031-01-20T00:00:00Z"
      ])
      const before = yield* places("days")

      const first = yield* maintainOn("2031-01-10")
      const again = yield* maintainOn("2031-01-10")
      const during = yield* places("days")
      yield* maintainOn("2031-01-18")
      const after = yield* places("days")

      assert.deepStrictEqual(before, ["default", "default", "default", "default"])
      // Five days for each of eight tables, and the one for which a row waited.
      assert.deepInclude(first, { created: 41, removedRows: 1, postponed: 0 })
      assert.deepStrictEqual(again, { created: 0, dropped: 0, removedRows: 0, postponed: 0 })
      assert.deepStrictEqual(during, ["p20310108", "p20310110", "default"])
      assert.deepStrictEqual(after, ["p20310120"])
      const names = yield* partitions("timeseries_metrics")
      assert.notInclude(names, "timeseries_metrics_p20310108")
      assert.include(names, "timeseries_metrics_p20310121")
    }))

  it.effect("finds the newest rows of all tenants in order, in partitions that are made later too", () =>
    Effect.gen(function*() {
      const sql = yield* (yield* PgConnection).client
      yield* maintainOn("2033-03-03")
      yield* write("newest", ["2033-03-03T10:00:00Z"])
      const plan = Effect.fnUntraced(function*(table: string) {
        const lines = yield* sql.unsafe<{ "QUERY PLAN": string }>(
          `explain (costs off) select * from platform.${table} where timestamp >= '2033-03-03' and timestamp < '2033-03-04'
          order by timestamp desc limit 100`
        ).pipe(sql.withTransaction)
        return lines.map((line) => line["QUERY PLAN"]).join("\n")
      })
      yield* sql`set enable_seqscan = off`
      yield* sql`set enable_bitmapscan = off`
      for (const table of ["timeseries_metrics", "logs"]) {
        const found = yield* plan(table)
        assert.include(found, `Index Scan`)
        assert.notInclude(found, "Sort")
      }
      yield* sql`reset enable_seqscan`
      yield* sql`reset enable_bitmapscan`
    }))

  it.effect("is maintained by several programs at once, each thing by one of them", () =>
    Effect.gen(function*() {
      const rounds = yield* Effect.forEach([1, 2, 3, 4], () => maintainOn("2032-06-01"), { concurrency: "unbounded" })

      assert.strictEqual(rounds.reduce((sum, { created, postponed }) => sum + created + postponed, 0), 40)
      assert.lengthOf((yield* partitions("logs")).filter((name) => name.startsWith("logs_p203206")), 4)
    }))

  it.effect("keeps rows that are written while their partition is made", () =>
    Effect.gen(function*() {
      const timestamps = Array.from({ length: 300 }, (_, at) => new Date(Date.UTC(2033, 0, 5, 0, at)).toISOString())
      const slices = Array.from({ length: 30 }, (_, at) => timestamps.slice(at * 10, at * 10 + 10))

      yield* Effect.all([
        Effect.forEach(slices, (slice) => write("racing", slice), { concurrency: 2 }),
        maintainOn("2033-01-05")
      ], { concurrency: "unbounded" })
      yield* maintainOn("2033-01-05")

      assert.deepStrictEqual(yield* places("racing"), timestamps.map(() => "p20330105"))
    }))

  it.effect("is prepared by several programs at once, in any schema", () =>
    Effect.gen(function*() {
      const prepare = Effect.flatMap(EventTables, (tables) => tables.prepare).pipe(
        Effect.provide(PgEventTables.layer({ schema: "O'ther \"schema\"", retention: { logs: Duration.days(2) } })),
        Effect.retry({ times: 5 })
      )

      yield* Effect.all([prepare, prepare, prepare], { concurrency: "unbounded" })
      yield* prepare

      const sql = yield* (yield* PgConnection).client
      const [found] = yield* sql<{ count: number }>`
        select count(*)::int as count from pg_partitioned_table join pg_class on oid = partrelid
        where relnamespace = (select oid from pg_namespace where nspname like 'O''ther%') and relkind = 'p'`
      assert.strictEqual(found?.count, 8)
    }))
})
