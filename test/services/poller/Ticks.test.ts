import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Ticks from "../../../src/services/poller/Ticks.ts"

const startsOf = Effect.fnUntraced(function*(took: Duration.Input) {
  const starts: Array<number> = []
  const run = Effect.andThen(
    Effect.map(Clock.currentTimeMillis, (now) => starts.push(now / 1000)),
    Effect.sleep(took)
  )
  yield* Effect.forkChild(Ticks.repeat(run, Duration.seconds(30)), { startImmediately: true })
  yield* TestClock.adjust("3 minutes")
  return starts
})

describe("Ticks", () => {
  it.effect("runs at once and then on the grid, however long a run takes within the interval", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* startsOf("27 seconds"), [0, 30, 60, 90, 120, 150, 180])
    }))

  it.effect("skips the ticks that a long run missed", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* startsOf("70 seconds"), [0, 90, 180])
    }))
})
