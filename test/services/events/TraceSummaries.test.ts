import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer } from "effect"
import * as TestClock from "effect/testing/TestClock"
import { EventStoreError, StoreUnavailable } from "../../../src/services/events/EventStore.ts"
import { TraceSummaries } from "../../../src/services/events/TraceSummaries.ts"

const away = new EventStoreError({ operation: "test", reason: new StoreUnavailable({ code: "", detail: "away" }) })

/** Summaries whose first refreshes fail, and how often they were asked. */
const summaries = (failures: number) => {
  const calls = { refresh: 0 }
  const refresh = Effect.suspend(() =>
    (calls.refresh += 1) <= failures ? away : Effect.succeed({ written: 1, removed: 0, isSkipped: false })
  )
  return { calls, layer: Layer.succeed(TraceSummaries, { refresh }) }
}

const callsAfter = (failures: number, elapsed: Duration.Input, interval?: Duration.Duration) =>
  Effect.gen(function*() {
    const { calls, layer } = summaries(failures)
    const fiber = yield* Effect.forkChild(Effect.provide(TraceSummaries.keep(interval), layer))
    yield* TestClock.adjust(elapsed)
    yield* Fiber.interrupt(fiber)
    return calls.refresh
  })

describe("TraceSummaries.keep", () => {
  it.effect("refreshes at once, then about every two minutes", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* callsAfter(0, 0), 1)
      const calls = yield* callsAfter(0, "1 hour")

      assert.isAtLeast(calls, 25)
      assert.isAtMost(calls, 38)
    }))

  it.effect("refreshes as often as asked for", () =>
    Effect.gen(function*() {
      assert.isAtLeast(yield* callsAfter(0, "1 minute", Duration.seconds(10)), 5)
    }))

  it.effect("tries again sooner than that after a failure", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* callsAfter(3, "8 seconds"), 4)
    }))
})
