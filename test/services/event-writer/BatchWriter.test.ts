import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import * as fc from "fast-check"
import type { NetflowMetricRow } from "../../../src/domain/events/rows/NetflowMetrics.ts"
import type { StoreEntry } from "../../../src/domain/events/storing/BatchPlan.ts"
import type { EventRow } from "../../../src/domain/events/storing/Suspects.ts"
import * as BatchWriter from "../../../src/services/event-writer/BatchWriter.ts"
import {
  EventStore,
  EventStoreError,
  RowRejected,
  StoreTimeout,
  StoreUnavailable
} from "../../../src/services/events/EventStore.ts"

const row = (id: string, isBad: boolean): NetflowMetricRow => ({
  tenant_id: isBad ? "bad" : "acme",
  ingest_id: id,
  timestamp: 0,
  poller_id: "",
  agent_id: "",
  device_id: "",
  flow_direction: "",
  src_addr: null,
  dst_addr: null,
  src_port: 0,
  dst_port: 0,
  protocol: 0,
  packets: 0n,
  octets: 0n,
  sampler_address: null,
  input_snmp: 0,
  output_snmp: 0,
  metadata: null
})

/** A message with as many rows; when it is bad, its last row is. */
const entry = (message: number, rows: number, isBad = false): StoreEntry<number> => ({
  message,
  bytes: 10,
  content: {
    table: "netflow_metrics",
    rows: Array.from({ length: rows }, (_, at) => row(`${message}-${at}`, isBad && at === rows - 1))
  }
})

interface Weather {
  /** From this statement on the database is away. */
  readonly awayFrom?: number
  /** Statements with more rows take too long. */
  readonly rowsInTime?: number
  readonly pointsAtRows?: boolean
  /** Bad rows are set aside, with all of their message. */
  readonly setsAside?: boolean
}

/** Keeps rows in memory and refuses bad ones. */
const makeStore = (weather: Weather) => {
  const stored = new Set<string>()
  let statements = 0
  const fail = (reason: EventStoreError["reason"]) => new EventStoreError({ operation: "netflow_metrics", reason })
  const idOf = (one: EventRow) => "ingest_id" in one ? one.ingest_id : ""
  const write = (_: string, given: ReadonlyArray<EventRow>, owners?: ReadonlyArray<number>) =>
    Effect.suspend(() => {
      const setAside = weather.setsAside === true && owners !== undefined
        ? [...new Set(given.flatMap((one, at) => one.tenant_id === "bad" ? [owners[at] ?? -1] : []))]
        : []
      const rows = given.filter((_, at) => !setAside.includes(owners?.[at] ?? -1))
      statements += 1
      if (statements >= (weather.awayFrom ?? Infinity)) return fail(new StoreUnavailable({ code: "", detail: "away" }))
      if (rows.length > (weather.rowsInTime ?? Infinity)) {
        return fail(new StoreTimeout({ rows: rows.length, detail: "slow" }))
      }
      const bad = rows.flatMap((one, at) => one.tenant_id === "bad" ? [at] : [])
      if (bad.length > 0) {
        return fail(
          new RowRejected({
            code: "23514",
            column: Option.none(),
            constraint: Option.none(),
            detail: "bad",
            suspects: weather.pointsAtRows === true ? bad : []
          })
        )
      }
      const before = stored.size
      for (const one of rows) stored.add(idOf(one))
      const inserted = stored.size - before
      return Effect.succeed({ inserted, repeated: rows.length - inserted, setAside })
    })
  return { stored, layer: Layer.succeed(EventStore, { write }), statements: () => statements }
}

const writeAll = (
  entries: ReadonlyArray<StoreEntry<number>>,
  weather: Weather = {},
  options: BatchWriter.BatchWriterOptions = {}
) =>
  Effect.gen(function*() {
    const store = makeStore(weather)
    const outcome = yield* Effect.flatMap(BatchWriter.make(options), (writer) => writer.write(entries)).pipe(
      Effect.provide(store.layer)
    )
    return { outcome, stored: store.stored, statements: store.statements() }
  })

const sorted = (numbers: ReadonlyArray<number>) => numbers.toSorted((one, other) => one - other)

const messagesOf = (undelivered: ReadonlyArray<BatchWriter.Undelivered<number>>) =>
  sorted(undelivered.map(({ message }) => message))

const batches = fc.array(fc.record({ rows: fc.nat({ max: 5 }), isBad: fc.boolean() }), { maxLength: 60 }).map((all) =>
  all.map(({ isBad, rows }, at) => entry(at, rows, isBad && rows > 0))
)

const weathers = fc.record({
  awayFrom: fc.option(fc.integer({ min: 1, max: 20 }), { nil: Infinity }),
  rowsInTime: fc.option(fc.integer({ min: 1, max: 100 }), { nil: Infinity }),
  pointsAtRows: fc.boolean(),
  setsAside: fc.boolean()
})

const limits = fc.record({
  rowsMax: fc.integer({ min: 1, max: 100 }),
  rowsMin: fc.integer({ min: 1, max: 10 }),
  statementsMax: fc.integer({ min: 1, max: 40 })
})

const isBad = (one: StoreEntry<number>) => one.content.rows.some((row) => row.tenant_id === "bad")

describe("BatchWriter", () => {
  it.effect("gives every message one outcome, poison only to bad ones, and stores whole messages", () =>
    Effect.promise(() =>
      fc.assert(fc.asyncProperty(batches, weathers, limits, async (entries, weather, options) => {
        const { outcome, stored } = await Effect.runPromise(writeAll(entries, weather, options))
        const byMessage = new Map(entries.map((one) => [one.message, one]))
        const rowsOf = (message: number) => byMessage.get(message)?.content.rows.length ?? 0

        assert.deepStrictEqual(
          sorted([...outcome.stored, ...messagesOf(outcome.poison), ...messagesOf(outcome.retry)]),
          entries.map((one) => one.message)
        )
        assert.isTrue(outcome.poison.every(({ message }) => entries[message] !== undefined && isBad(entries[message])))
        assert.strictEqual(stored.size, outcome.stored.reduce((sum, message) => sum + rowsOf(message), 0))
        assert.strictEqual(outcome.inserted, stored.size)
      }))
    ))

  it.effect("finds all that is bad when nothing else is wrong", () =>
    Effect.promise(() =>
      fc.assert(fc.asyncProperty(batches, fc.boolean(), fc.boolean(), async (entries, pointsAtRows, setsAside) => {
        const { outcome } = await Effect.runPromise(
          writeAll(entries, { pointsAtRows, setsAside }, { statementsMax: 200 })
        )

        assert.deepStrictEqual(messagesOf(outcome.poison), entries.filter(isBad).map((one) => one.message))
        assert.deepStrictEqual(outcome.retry, [])
      }))
    ))

  it.effect("takes one statement more for a message that the store sets aside", () =>
    Effect.gen(function*() {
      const entries = Array.from({ length: 100 }, (_, at) => entry(at, 2, at === 61))

      const { outcome, statements } = yield* writeAll(entries, { setsAside: true })

      assert.strictEqual(statements, 2)
      assert.deepStrictEqual(messagesOf(outcome.poison), [61])
      assert.deepInclude(outcome, { inserted: 198, retry: [] })
    }))

  it.effect("writes nothing more once the store is away", () =>
    Effect.gen(function*() {
      const entries = Array.from({ length: 10 }, (_, at) => entry(at, 1))

      const { outcome, statements } = yield* writeAll(entries, { awayFrom: 2 }, { rowsMax: 2, rowsMin: 1 })

      assert.strictEqual(statements, 2)
      assert.deepStrictEqual(outcome.stored, [0, 1])
      assert.deepStrictEqual(messagesOf(outcome.retry), [2, 3, 4, 5, 6, 7, 8, 9])
      assert.strictEqual(outcome.retry[0]?.error.reason._tag, "StoreUnavailable")
    }))

  it.effect("stores all with smaller statements after a time-out", () =>
    Effect.gen(function*() {
      const entries = Array.from({ length: 100 }, (_, at) => entry(at, 1))

      const { outcome } = yield* writeAll(entries, { rowsInTime: 30 }, { rowsMax: 100, timeoutsMax: 5 })

      assert.deepInclude(outcome, { inserted: 100, retry: [], statements: 6 })
    }))

  it.effect("keeps messages for later when time-outs go on", () =>
    Effect.gen(function*() {
      const entries = Array.from({ length: 100 }, (_, at) => entry(at, 1))

      const { outcome, statements } = yield* writeAll(entries, { rowsInTime: 0 })

      assert.strictEqual(statements, 3)
      assert.lengthOf(outcome.retry, 100)
    }))
})
