import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as QueryPace from "../../../src/layers/queries/QueryPace.ts"
import { Precedence } from "../../../src/services/queries/Precedence.ts"

const under = (load: number) =>
  Effect.provideService(
    QueryPace.make,
    Precedence,
    Precedence.of({ around: (work) => work, load: Effect.succeed(load) })
  )

const megabyte = 2 ** 20

describe("The pace of answers", () => {
  it.effect("is their own while nothing goes before them", () =>
    Effect.gen(function*() {
      for (const pace of [yield* QueryPace.make, yield* under(0.1)]) {
        assert.isFalse(yield* pace.isPressed)
        yield* pace.spend(100 * megabyte)
      }
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
    }))

  it.effect("is one for all of them while reports are under way", () =>
    Effect.gen(function*() {
      const pace = yield* under(0.9)
      assert.isTrue(yield* pace.isPressed)
      const done: Array<number> = []
      const answers = yield* Effect.forkChild(Effect.forEach(
        [1, 2, 3, 4],
        () => Effect.andThen(pace.spend(megabyte), Effect.map(Clock.currentTimeMillis, (millis) => done.push(millis))),
        { concurrency: "unbounded", discard: true }
      ))
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(answers)
      assert.deepStrictEqual(done, [500, 1000, 1500, 2000])
    }))
})
