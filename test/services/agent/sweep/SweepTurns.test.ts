import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import * as SweepTurns from "../../../../src/services/agent/sweep/SweepTurns.ts"

/** Works for so many milliseconds, in steps of one. */
function* working(millis: number, worked: () => void): Generator<undefined, number> {
  for (let step = 0; step < millis; step++) {
    const until = performance.now() + 1
    while (performance.now() < until) worked()
    yield undefined
  }
  return millis
}

describe("SweepTurns", () => {
  it.live("leaves others their time, however many ask at once", () =>
    Effect.gen(function*() {
      let isOver = false
      let turns = 0
      const others = yield* Effect.forkChild(
        Effect.whileLoop({ while: () => !isOver, body: () => Effect.sleep(1), step: () => void (turns += 1) })
      )
      const startedNanos = yield* Clock.monotonicTimeNanos

      const answers = yield* Effect.forEach(
        Array.from({ length: 10 }, () => 30),
        (millis) => SweepTurns.run(working(millis, () => {})),
        { concurrency: "unbounded" }
      )
      const tookMillis = Number((yield* Clock.monotonicTimeNanos) - startedNanos) / 1e6
      isOver = true
      yield* Fiber.join(others)

      assert.deepStrictEqual(answers, Array.from({ length: 10 }, () => 30))
      // 300 ms of work with pauses of the same length, in turns of 3 ms: others come in after each.
      assert.isAtLeast(tookMillis, 450)
      assert.isAtLeast(turns, 40)
    }))
})
