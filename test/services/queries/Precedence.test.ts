import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Precedence } from "../../../src/services/queries/Precedence.ts"

const worked = (millis: number) =>
  Effect.gen(function*() {
    const precedence = yield* Precedence
    const fiber = yield* Effect.forkChild(precedence.around(Effect.sleep(millis)))
    yield* TestClock.adjust(millis)
    yield* Fiber.join(fiber)
  })

describe("Precedence", () => {
  it.effect("tells the share of the last seconds in which work was under way, whatever became of it", () =>
    Effect.gen(function*() {
      const precedence = yield* Precedence
      assert.strictEqual(yield* precedence.load, 0)
      for (let turn = 0; turn < 100; turn++) {
        yield* worked(60)
        yield* TestClock.adjust(40)
      }
      assert.closeTo(yield* precedence.load, 0.6, 0.05)
      yield* worked(10_000)
      assert.isAbove(yield* precedence.load, 0.99)
      yield* Effect.exit(precedence.around(Effect.fail("refused")))
      yield* TestClock.adjust("10 seconds")
      assert.isBelow(yield* precedence.load, 0.01)
    }).pipe(Effect.provide(Precedence.layer)))
})
