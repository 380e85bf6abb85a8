import { assert, layer } from "@effect/vitest"
import { Duration, Effect, Fiber, Option, Result } from "effect"
import type { TableRows } from "../../../../src/domain/events/rows/Tables.ts"
import type { StoreEntry } from "../../../../src/domain/events/storing/BatchPlan.ts"
import * as EventDecoder from "../../../../src/layers/events/decode/EventDecoder.ts"
import { PgConnection } from "../../../../src/layers/postgres/connection/PgConnection.ts"
import * as BatchWriter from "../../../../src/services/event-writer/BatchWriter.ts"
import { countOf, layer as eventStore } from "../../../support/eventStore.ts"
import { eventually } from "../../../support/Program.ts"
import { json, message, telemetry } from "../decode/samples.ts"

const decode = EventDecoder.make({ tenantDefault: "acme" })

const entry = (subject: string, payload: unknown, sequence: number): StoreEntry<number> => {
  const data = json(payload)
  const { content } = Result.getOrThrow(decode(message(subject, data, sequence)))
  return { message: sequence, content, bytes: data.length }
}

const metrics = (tenant: string, count: number): ReadonlyArray<StoreEntry<number>> =>
  Array.from({ length: count }, (_, at) => entry(`${tenant}.telemetry`, { ...telemetry, metric_name: `m${at}` }, at))

/** The same entry, with its first row changed. */
const spoil = (spoilt: StoreEntry<number>, fields: object): StoreEntry<number> => {
  const { rows, table } = spoilt.content
  const content: TableRows = table === "timeseries_metrics"
    ? { table, rows: rows.map((row, at) => at === 0 ? { ...row, ...fields } : row) }
    : assert.fail()
  return { ...spoilt, content }
}

const rowsOf = Effect.fnUntraced(function*(tenant: string) {
  const sql = yield* (yield* PgConnection).client
  return yield* sql<{ name: string }>`
    select metric_name as name from platform.timeseries_metrics where tenant_id = ${tenant} order by 1`
})

/** Runs `use` while writes of the table wait for a lock of ours; they are waiting when it begins. */
const whileBlocked = <A, E, R, B, E2, R2>(write: Effect.Effect<A, E, R>, use: Effect.Effect<B, E2, R2>) =>
  Effect.gen(function*() {
    const sql = yield* (yield* PgConnection).client
    return yield* Effect.scoped(Effect.gen(function*() {
      const blocker = yield* sql.reserve
      yield* Effect.acquireRelease(
        blocker.execute("begin", [], undefined).pipe(
          Effect.andThen(blocker.execute("lock table platform.timeseries_metrics in exclusive mode", [], undefined))
        ),
        () => Effect.ignore(blocker.execute("rollback", [], undefined))
      )
      const writing = yield* Effect.forkChild(write, { startImmediately: true })
      yield* eventually(
        "a write waits for the lock",
        sql`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.pipe(
          Effect.map((found) => found.length > 0 ? Option.some(found) : Option.none())
        ),
        { within: "10 seconds" }
      )
      return [writing, yield* use] as const
    }))
  })

const killWriter = Effect.flatMap(PgConnection, (connection) => connection.client).pipe(
  Effect.flatMap((sql) =>
    sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`
  )
)

const store = eventStore({ statementLimit: Duration.seconds(1) })

layer(store, { excludeTestServices: true, timeout: "30 seconds" })("BatchWriter on PostgreSQL", (it) => {
  it.effect("stores mixed messages, and adds nothing when all come again", () =>
    Effect.gen(function*() {
      const writer = yield* BatchWriter.make({ rowsMax: 50 })
      const entries = [
        ...metrics("mixed", 120),
        ...Array.from({ length: 30 }, (_, at) =>
          entry("mixed.logs.app", [{ message: "a" }, { message: "b" }], 1_000 + at))
      ]

      const first = yield* writer.write(entries)
      const again = yield* writer.write(entries)

      assert.deepInclude(first, { inserted: 180, repeated: 0, poison: [], retry: [], statements: 5 })
      assert.deepInclude(again, { inserted: 0, repeated: 180, poison: [], retry: [] })
      assert.deepStrictEqual(
        again.stored.toSorted(),
        entries.map((one) =>
          one.message
        ).toSorted()
      )
      assert.lengthOf(yield* rowsOf("mixed"), 120)
      assert.strictEqual(yield* countOf("logs"), 60)
    }))

  it.effect("refuses only the messages whose rows cannot be stored, whole, and says why", () =>
    Effect.gen(function*() {
      const sql = yield* (yield* PgConnection).client
      yield* sql`alter table platform.timeseries_metrics add constraint allowed check (unit <> 'forbidden')`
      const writer = yield* BatchWriter.make()
      const clean = metrics("poison", 400)
      const spoilt = new Map<number, object>([
        [7, { unit: "forbidden" }],
        [100, { gateway_id: "a\0b" }],
        [101, { if_index: 2 ** 40 }],
        [250, { tags: "{" }],
        [399, { gateway_id: Array.from({ length: 3_000 }, (_, at) => String.fromCodePoint(0x4e00 + at * 7)).join("") }]
      ])
      const pair = entry("poison.telemetry", [telemetry, { ...telemetry, metric_name: "innocent" }], 500)
      const entries = [
        ...clean.map((one, at) => spoil(one, spoilt.get(at) ?? {})),
        spoil(pair, { unit: "forbidden" })
      ]

      const outcome = yield* writer.write(entries)

      assert.deepStrictEqual(
        outcome.poison.map(({ message }) => message).toSorted((one, other) => one - other),
        [...spoilt.keys(), 500]
      )
      assert.deepInclude(outcome, { retry: [], inserted: 395 })
      assert.isAtMost(outcome.statements, 60)
      const reasons = new Map(outcome.poison.map(({ error, message }) => [message, error.reason]))
      assert.deepInclude(reasons.get(7), { _tag: "RowRejected", code: "23514", constraint: Option.some("allowed") })
      assert.deepInclude(reasons.get(100), { _tag: "RowRejected", code: "22021" })
      assert.deepInclude(reasons.get(101), { _tag: "RowRejected", code: "" })
      assert.deepInclude(reasons.get(250), { _tag: "RowRejected", code: "22P02" })
      assert.deepInclude(reasons.get(399), { _tag: "RowRejected", code: "54000" })
      assert.notInclude((yield* rowsOf("poison")).map(({ name }) => name), "innocent")
      yield* sql`alter table platform.timeseries_metrics drop constraint allowed`
    }))

  it.effect("knows a table's rules after the first refusal: the others are stored at once, whole messages only", () =>
    Effect.gen(function*() {
      const sql = yield* (yield* PgConnection).client
      yield* sql`alter table platform.timeseries_metrics
        add constraint measured check (value < 1000 and unit <> 'forbidden' and tags is distinct from '{"no":1}')`
      const writer = yield* BatchWriter.make()
      const batch = (from: number) => metrics("rules", 300).slice(from, from + 100)
      const pair = entry("rules.telemetry", [telemetry, { ...telemetry, metric_name: "innocent" }], 500)
      const second = [
        ...batch(100).map((one, at) => at === 5 ? spoil(one, { value: 5_000 }) : one),
        spoil(pair, { tags: "{\"no\": 1}" })
      ]

      yield* writer.write([...batch(0).slice(1), spoil(pair, { unit: "forbidden" })])
      const outcome = yield* writer.write(second)
      const again = yield* writer.write(second)
      yield* sql`alter table platform.timeseries_metrics drop constraint measured`
      const free = yield* writer.write(second)

      assert.deepInclude(outcome, { statements: 3, inserted: 99, retry: [] })
      assert.deepStrictEqual(outcome.poison.map(({ message }) => message).toSorted(), [105, 500])
      assert.deepInclude(outcome.poison[0]?.error.reason, { code: "23514", constraint: Option.some("measured") })
      assert.deepInclude(again, { inserted: 0, repeated: 99 })
      assert.deepInclude(free, { poison: [], inserted: 3, repeated: 99 })
    }))

  it.effect("keeps messages of a table that is not there for later, and writes those of others", () =>
    Effect.gen(function*() {
      const sql = yield* (yield* PgConnection).client
      const writer = yield* BatchWriter.make()
      const entries = [entry("gone.logs.app", { message: "a" }, 1_000), ...metrics("gone", 10)]

      yield* sql`alter table platform.logs rename to moved`
      const without = yield* writer.write(entries)
      yield* sql`alter table platform.moved rename to logs`
      const again = yield* writer.write(entries)

      assert.deepStrictEqual(without.retry.map(({ message }) => message), [1_000])
      assert.strictEqual(without.retry[0]?.error.reason._tag, "TableUnusable")
      assert.deepInclude(without, { inserted: 10, poison: [] })
      assert.deepInclude(again, { inserted: 1, repeated: 10, retry: [] })
    }))

  it.effect("keeps all for later when its connection dies in the middle of a write, and stores no half of it", () =>
    Effect.gen(function*() {
      const writer = yield* BatchWriter.make()
      const entries = metrics("killed", 300)

      const [writing] = yield* whileBlocked(writer.write(entries), killWriter)
      const outcome = yield* Fiber.join(writing)

      assert.deepInclude(outcome, { stored: [], poison: [], inserted: 0 })
      assert.deepStrictEqual(outcome.retry.map(({ message }) => message), entries.map((one) => one.message))
      assert.strictEqual(outcome.retry[0]?.error.reason._tag, "StoreUnavailable")
      assert.deepStrictEqual(yield* rowsOf("killed"), [])
      assert.deepInclude(yield* writer.write(entries), { inserted: 300, retry: [] })
    }))

  it.effect("asks for less after a time-out, and for more again", () =>
    Effect.gen(function*() {
      const writer = yield* BatchWriter.make({ rowsMax: 100, timeoutsMax: 2 })
      const entries = metrics("slow", 150)

      const [writing] = yield* whileBlocked(
        writer.write(entries),
        eventually(
          "the size shrinks",
          Effect.map(writer.rowsPerStatement, (rows) => rows <= 25 ? Option.some(rows) : Option.none()),
          { within: "10 seconds" }
        )
      )
      const outcome = yield* Fiber.join(writing)
      for (let round = 0; round < 10; round++) yield* writer.write(entries)

      assert.lengthOf(outcome.retry, 150)
      assert.strictEqual(outcome.retry[0]?.error.reason._tag, "StoreTimeout")
      assert.lengthOf(yield* rowsOf("slow"), 150)
      assert.strictEqual(yield* writer.rowsPerStatement, 100)
    }))

  it.effect("ends a write in time when the server's process hangs", () =>
    Effect.gen(function*() {
      const sql = yield* (yield* PgConnection).client
      const writer = yield* BatchWriter.make({ timeoutsMax: 1 })
      const entries = metrics("hung", 10)
      const hang = Effect.gen(function*() {
        const [found] = yield* sql<{ pid: number }>`
          select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
        const pid = found?.pid ?? assert.fail("nobody waits")
        process.kill(pid, "SIGSTOP")
        return pid
      })

      const [writing, pid] = yield* whileBlocked(writer.write(entries), hang)
      const [took, outcome] = yield* Effect.timed(Fiber.join(writing)).pipe(
        Effect.ensuring(Effect.sync(() => process.kill(pid, "SIGCONT")))
      )

      assert.lengthOf(outcome.retry, 10)
      assert.isBelow(Duration.toSeconds(took), 8)
      assert.deepInclude(yield* writer.write(entries), { retry: [] })
      assert.lengthOf(yield* rowsOf("hung"), 10)
    }))

  it.effect("lets several writers write the same rows at once", () =>
    Effect.gen(function*() {
      const writers = yield* Effect.all(Array.from({ length: 3 }, () => BatchWriter.make({ rowsMax: 40 })))
      const entries = metrics("rivals", 400)
      // Each statement has the same rows as its rivals, in another order.
      const turned = Array.from({ length: 10 }, (_, at) => entries.slice(at * 40, at * 40 + 40).toReversed()).flat()

      const outcomes = yield* Effect.forEach(
        writers,
        (writer, at) => writer.write(at === 1 ? turned : entries),
        { concurrency: "unbounded" }
      )

      assert.deepStrictEqual(outcomes.map(({ retry }) => retry), [[], [], []])
      assert.strictEqual(outcomes.reduce((sum, { inserted }) => sum + inserted, 0), 400)
      assert.lengthOf(yield* rowsOf("rivals"), 400)
    }))
})
