import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch } from "effect"
import { TestClock } from "effect/testing"
import * as CircuitBreaker from "../../../src/services/breaker/CircuitBreaker.ts"
import * as CircuitWatch from "../../../src/services/breaker/CircuitWatch.ts"

const breaker = CircuitBreaker.make({ thresholds: { refused: 1 }, openDuration: "1 second" })

const settle = TestClock.adjust(0)

describe("CircuitWatch", () => {
  it.effect("tells of the changes of all circuits in their order, until it is interrupted", () =>
    Effect.gen(function*() {
      const [one, other] = yield* Effect.all([breaker, breaker])
      const seen: Array<string> = []
      const fiber = yield* Effect.forkChild(
        CircuitWatch.forEach([one, other], 8, ({ key, to }) => Effect.sync(() => void seen.push(`${key} ${to}`))),
        { startImmediately: true }
      )
      yield* one.force("a", "open")
      yield* other.force("b", "closed")
      yield* settle
      yield* one.force("a", "auto")
      yield* settle
      assert.deepStrictEqual(seen, ["a forced_open", "b forced_closed", "a closed"])
      yield* Fiber.interrupt(fiber)
      yield* one.force("a", "open")
      yield* settle
      assert.lengthOf(seen, 3)
    }))

  it.effect("loses the oldest for one that takes longer than its room lasts", () =>
    Effect.gen(function*() {
      const one = yield* breaker
      const seen: Array<string> = []
      const goOn = yield* Latch.make()
      yield* Effect.forkChild(
        CircuitWatch.forEach([one], 2, ({ to }) => Effect.andThen(Effect.sync(() => seen.push(to)), goOn.await)),
        { startImmediately: true }
      )
      yield* one.force("a", "open")
      yield* settle
      for (const to of ["closed", "open", "closed", "open"] as const) yield* one.force("a", to)
      yield* goOn.open
      yield* settle
      assert.deepStrictEqual(seen, ["forced_open", "forced_closed", "forced_open"])
    }))
})
