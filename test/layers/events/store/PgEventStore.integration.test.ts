import { assert, layer } from "@effect/vitest"
import { Duration, Effect, Fiber, Result } from "effect"
import { type TableName, tables } from "../../../../src/domain/events/rows/Tables.ts"
import type { EventRow } from "../../../../src/domain/events/storing/Suspects.ts"
import { tableNames } from "../../../../src/domain/events/storing/TablePolicy.ts"
import * as EventDecoder from "../../../../src/layers/events/decode/EventDecoder.ts"
import { PgConnection } from "../../../../src/layers/postgres/connection/PgConnection.ts"
import { EventStore } from "../../../../src/services/events/EventStore.ts"
import { decodedSamples } from "../../../support/decodedSamples.ts"
import { countOf, layer as eventStore } from "../../../support/eventStore.ts"
import { json, message, telemetry } from "../decode/samples.ts"

const columnsOf = (table: TableName): Readonly<Record<string, { readonly type: string }>> => tables[table].columns

/** The columns as the rows have them: moments in microseconds, JSON as text. */
const readBack = Effect.fnUntraced(function*(table: TableName) {
  const sql = yield* (yield* PgConnection).client
  const list = Object.entries(columnsOf(table)).map(([name, { type }]) =>
    type === "timestamptz"
      ? `(extract(epoch from "${name}") * 1000000)::float8 as "${name}"`
      : type === "jsonb"
      ? `"${name}"::text as "${name}"`
      : `"${name}"`
  )
  return yield* sql.unsafe<Readonly<Record<string, unknown>>>(`select ${list.join(", ")} from platform.${table}`)
})

const keyOf = (table: TableName, row: Readonly<Record<string, unknown>>) =>
  tables[table].key.map((column) => String(row[column])).join("|")

/** JSON with its keys in order, as PostgreSQL's `jsonb` keeps another order. */
const comparable = (table: TableName, row: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(columnsOf(table)).map(([name, { type }]) => {
      const value = row[name]
      if (type !== "jsonb" || value === null) return [name, value]
      return [name, JSON.parse(typeof value === "string" ? value : JSON.stringify(value))]
    })
  )

const byKey = (table: TableName, rows: ReadonlyArray<EventRow | Readonly<Record<string, unknown>>>) => {
  // The first of equal keys counts, as in the table.
  const found = new Map<string, unknown>()
  for (const row of rows) if (!found.has(keyOf(table, row))) found.set(keyOf(table, row), comparable(table, row))
  return Object.fromEntries(Array.from(found).sort(([one], [other]) => one < other ? -1 : 1))
}

layer(eventStore(), { excludeTestServices: true, timeout: "30 seconds" })("PgEventStore", (it) => {
  it.effect.each(tableNames)(
    "stores all columns of %s as they were decoded, and once",
    (name) =>
      Effect.gen(function*() {
        const store = yield* EventStore
        const [table, rows] = Array.from(decodedSamples()).find(([table]) => table === name) ?? assert.fail(name)
        const expected = byKey(table, rows)

        const first = yield* store.write(table, rows)
        const again = yield* store.write(table, rows)
        // Rows that came again are looked for first the next time.
        const oncemore = yield* store.write(table, rows)

        assert.deepStrictEqual(oncemore, again)
        assert.deepStrictEqual(byKey(table, yield* readBack(table)), expected)
        const inserted = Object.keys(expected).length
        assert.deepStrictEqual(first, { inserted, repeated: rows.length - inserted })
        assert.deepStrictEqual(again, { inserted: 0, repeated: rows.length })
      })
  )

  it.effect("stores the new ones among rows that came again, also twice in one statement", () =>
    Effect.gen(function*() {
      const store = yield* EventStore
      const decode = EventDecoder.make({ tenantDefault: "again" })
      const row = (timestamp: string): ReadonlyArray<EventRow> =>
        Result.getOrThrow(decode(message("telemetry.x", json({ ...telemetry, timestamp })))).content.rows
      const old = row("2026-01-02T03:04:05Z")
      const fresh = row("2026-01-02T03:04:06Z")
      yield* store.write("timeseries_metrics", old)
      yield* store.write("timeseries_metrics", old)

      const mixed = yield* store.write("timeseries_metrics", [...old, ...fresh, ...fresh])
      const again = yield* store.write("timeseries_metrics", [...old, ...fresh])

      assert.deepStrictEqual(mixed, { inserted: 1, repeated: 2 })
      assert.deepStrictEqual(again, { inserted: 0, repeated: 2 })
      const sql = yield* (yield* PgConnection).client
      const found = yield* sql`select from platform.timeseries_metrics where tenant_id = 'again'`
      assert.strictEqual(found.length, 2)
    }))

  it.effect("stores rows of any time, also where there is no partition", () =>
    Effect.gen(function*() {
      const store = yield* EventStore
      const times = ["2001-12-31T23:59:59.999999Z", "2026-01-02T03:04:05.000001Z", "2111-06-01T00:00:00.123457Z"]
      const decode = EventDecoder.make({ tenantDefault: "anytime" })
      const contents = times.map((timestamp) =>
        Result.getOrThrow(decode(message("telemetry.x", json({ ...telemetry, timestamp })))).content
      )

      yield* store.write("timeseries_metrics", contents.flatMap((one): ReadonlyArray<EventRow> => one.rows))

      const sql = yield* (yield* PgConnection).client
      const found = yield* sql<{ at: string }>`
        select to_char(timestamp at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at
        from platform.timeseries_metrics where tenant_id = 'anytime' order by timestamp`
      assert.deepStrictEqual(found.map(({ at }) => at), times)
      assert.isAbove(yield* countOf("timeseries_metrics"), 2)
    }))
})

/** Takes all connections of the pool and gives them back when the scope closes. */
const takeAll = Effect.gen(function*() {
  const sql = yield* (yield* PgConnection).client
  const sessions = yield* Effect.all(Array.from({ length: 8 }, () => sql.reserve), { concurrency: "unbounded" })
  const [session] = sessions
  return session === undefined ? assert.fail("no session") : session
})

const oneRow = (tenant: string): ReadonlyArray<EventRow> =>
  Result.getOrThrow(EventDecoder.make({ tenantDefault: tenant })(message("telemetry.x", json(telemetry)))).content.rows

layer(eventStore({ statementLimit: Duration.millis(300), connectionLimit: Duration.seconds(2) }), {
  excludeTestServices: true,
  timeout: "30 seconds"
})("PgEventStore while other work has all connections", (it) => {
  it.effect("waits for one longer than a statement may take", () =>
    Effect.gen(function*() {
      const store = yield* EventStore
      const busy = Effect.andThen(takeAll, Effect.sleep("800 millis"))

      const working = yield* Effect.forkChild(Effect.scoped(busy), { startImmediately: true })
      const [waited, written] = yield* Effect.timed(store.write("timeseries_metrics", oneRow("patient")))
      yield* Fiber.join(working)

      assert.deepStrictEqual(written, { inserted: 1, repeated: 0 })
      assert.isAbove(Duration.toMillis(waited), 300)
    }))

  it.effect("does not wait for ever, and asks for no smaller statement then", () =>
    Effect.gen(function*() {
      const store = yield* EventStore

      const refused = Effect.flip(store.write("timeseries_metrics", oneRow("never")))
      const error = yield* Effect.scoped(Effect.andThen(takeAll, refused))

      assert.strictEqual(error.reason._tag, "StoreUnavailable")
      assert.include(error.message, "no connection of the pool was free for 2s")
    }))

  it.effect("still counts a statement's own time", () =>
    Effect.gen(function*() {
      const store = yield* EventStore
      const sql = yield* (yield* PgConnection).client

      const error = yield* Effect.scoped(Effect.gen(function*() {
        const session = yield* sql.reserve
        yield* Effect.acquireRelease(
          session.execute("begin", [], undefined).pipe(
            Effect.andThen(session.execute("lock table platform.timeseries_metrics in exclusive mode", [], undefined))
          ),
          () => Effect.ignore(session.execute("rollback", [], undefined))
        )
        return yield* Effect.flip(store.write("timeseries_metrics", oneRow("locked")))
      }))

      assert.strictEqual(error.reason._tag, "StoreTimeout")
    }))
})
