import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Pause from "../../../src/services/backoff/Pause.ts"

const waited = Effect.fnUntraced(function*(pause: Pause.Pause) {
  const before = yield* Clock.currentTimeMillis
  const fiber = yield* Effect.forkChild(Effect.andThen(pause.wait, Clock.currentTimeMillis))
  yield* TestClock.adjust("10 seconds")
  return (yield* Fiber.join(fiber)) - before
})

describe("Pause", () => {
  it.effect("waits longer each time, and after a success as at first", () =>
    Effect.gen(function*() {
      const pause = Pause.make({ from: "100 millis", to: "5 seconds" })

      const first = yield* waited(pause)
      yield* waited(pause)
      const third = yield* waited(pause)
      pause.reset()
      const again = yield* waited(pause)

      for (const millis of [first, again]) {
        assert.isAtLeast(millis, 80)
        assert.isAtMost(millis, 120)
      }
      assert.isAtLeast(third, 320)
    }))
})
