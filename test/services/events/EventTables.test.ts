import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import * as TestClock from "effect/testing/TestClock"
import { StoreUnavailable } from "../../../src/services/events/EventStore.ts"
import { EventTables, EventTablesError, TablesUnfit } from "../../../src/services/events/EventTables.ts"

const away = new EventTablesError({ operation: "test", reason: new StoreUnavailable({ code: "", detail: "away" }) })

/** Tables that fail as often as asked for, and what was called. */
const tables = (failures: { readonly prepare: number; readonly maintain: number }) => {
  const calls = { prepare: 0, maintain: 0 }
  const done = { created: 0, dropped: 0, removedRows: 0, postponed: 0 }
  return {
    calls,
    layer: Layer.succeed(EventTables, {
      prepare: Effect.suspend(() => (calls.prepare += 1) <= failures.prepare ? away : Effect.void),
      maintain: Effect.suspend(() => (calls.maintain += 1) <= failures.maintain ? away : Effect.succeed(done)),
      disturbed: Effect.void,
      awaitDisturbed: Effect.never,
      ready: Effect.void
    })
  }
}

const unfit = new EventTablesError({
  operation: "test",
  reason: new TablesUnfit({
    problems: [
      { table: "logs", column: "body", found: "bytea", wanted: "text" },
      { table: "otel_traces", column: "", found: "a view", wanted: "a table" }
    ]
  })
})

/** Tables of which one does not fit until the third time. */
const unfitTables = () => {
  const calls = { prepare: 0, maintain: 0 }
  const done = { created: 0, dropped: 0, removedRows: 0, postponed: 0 }
  return {
    calls,
    layer: Layer.succeed(EventTables, {
      prepare: Effect.suspend(() => (calls.prepare += 1) < 3 ? unfit : Effect.void),
      maintain: Effect.sync(() => {
        calls.maintain += 1
        return done
      }),
      disturbed: Effect.void,
      awaitDisturbed: Effect.never,
      ready: Effect.suspend(() => calls.prepare < 3 ? unfit : Effect.void)
    })
  }
}

describe("EventTables.keep", () => {
  it.effect("maintains the others when a table does not fit, and looks at it again each time until it does", () =>
    Effect.gen(function*() {
      const { calls, layer } = unfitTables()
      const fiber = yield* Effect.forkChild(Effect.provide(EventTables.keep, layer))

      yield* TestClock.adjust("1 hour")

      assert.strictEqual(calls.prepare, 3)
      assert.isAtLeast(calls.maintain, 6)
      yield* Fiber.interrupt(fiber)
    }))

  it("names table, column, what is there and what is wanted", () => {
    assert.strictEqual(
      unfit.message,
      "Event tables, test: logs.body is bytea, wanted text; otel_traces is a view, wanted a table"
    )
  })

  it.effect("tries until the database is there, and maintains at once", () =>
    Effect.gen(function*() {
      const { calls, layer } = tables({ prepare: 3, maintain: 0 })
      const fiber = yield* Effect.forkChild(Effect.provide(EventTables.keep, layer))

      yield* TestClock.adjust("10 seconds")

      assert.deepStrictEqual(calls, { prepare: 4, maintain: 1 })
      yield* Fiber.interrupt(fiber)
    }))

  it.effect("maintains about every ten minutes, whether the last round went well or not", () =>
    Effect.gen(function*() {
      const { calls, layer } = tables({ prepare: 0, maintain: 2 })
      const fiber = yield* Effect.forkChild(Effect.provide(EventTables.keep, layer))

      yield* TestClock.adjust("1 hour")

      assert.isAtLeast(calls.maintain, 6)
      assert.isAtMost(calls.maintain, 8)
      yield* Fiber.interrupt(fiber)
    }))
})
