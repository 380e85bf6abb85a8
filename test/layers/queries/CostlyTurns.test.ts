import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as CostlyTurns from "../../../src/layers/queries/CostlyTurns.ts"

const pressure = () => {
  const state = { isPressed: true }
  return { state, isPressed: Effect.sync(() => state.isPressed) }
}

/** A query that takes so long; answers when it began. */
const asked = (turns: CostlyTurns.CostlyTurns, millis: number) =>
  Effect.scoped(
    Effect.gen(function*() {
      yield* turns.take("a")
      const began = yield* Clock.currentTimeMillis
      yield* Effect.sleep(millis)
      return began
    })
  )

describe("Turns of costly queries", () => {
  it.effect("are each followed by a rest nine times as long, while reports go before them", () =>
    Effect.gen(function*() {
      const turns = CostlyTurns.make({ atOnce: 1 }, pressure().isPressed)
      const all = yield* Effect.forkChild(Effect.forEach([1, 2, 3], () => asked(turns, 1000)))
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* Fiber.join(all), [0, 10_000, 20_000])
    }))

  it.effect("have no rest where nothing goes before them, and end one when that ends", () =>
    Effect.gen(function*() {
      const { isPressed, state } = pressure()
      const turns = CostlyTurns.make({ atOnce: 1 }, isPressed)
      const first = yield* Effect.forkChild(asked(turns, 1000))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(first)
      const resting = yield* Effect.forkChild(asked(turns, 1000))
      yield* TestClock.adjust("2 seconds")
      state.isPressed = false
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* Fiber.join(resting), 3200)
      const next = yield* Effect.forkChild(asked(turns, 1000))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(next), 5000)
    }))

  it.effect("are refused to who would rest longer than he waits, and given to those who come after the longest rest", () =>
    Effect.gen(function*() {
      const turns = CostlyTurns.make({ atOnce: 1, patienceSeconds: 10 }, pressure().isPressed)
      const long = yield* Effect.forkChild(asked(turns, 20_000))
      yield* TestClock.adjust("20 seconds")
      yield* Fiber.join(long)
      const impatient = yield* Effect.forkChild(Effect.flip(asked(turns, 1000)))
      yield* TestClock.adjust("10 seconds")
      assert.include((yield* Fiber.join(impatient)).message, "1 queries are being answered")
      assert.strictEqual(turns.taken(), 0)
      yield* TestClock.adjust("12 seconds")
      const late = yield* Effect.forkChild(asked(turns, 1000))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Fiber.join(late), 50_000)
    }))

  it.effect("are given up with the scope, also by who rests", () =>
    Effect.gen(function*() {
      const turns = CostlyTurns.make({ atOnce: 1 }, pressure().isPressed)
      const scope = yield* Scope.make()
      yield* Scope.provide(turns.take("a"), scope)
      assert.strictEqual(turns.taken(), 1)
      yield* TestClock.adjust("5 seconds")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(turns.taken(), 0)
      const resting = yield* Effect.forkChild(asked(turns, 1000))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(turns.taken(), 1)
      yield* Fiber.interrupt(resting)
      assert.strictEqual(turns.taken(), 0)
    }))
})
