import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Monotonic from "../../../src/services/clock/Monotonic.ts"
import * as WallClock from "../../support/WallClock.ts"

describe("Monotonic", () => {
  it.live("goes forward while the time of day is set back", () =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const setBack: Clock.Clock = {
        ...clock,
        currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() - 3_600_000,
        monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe()
      }
      const before = yield* Monotonic.millis
      const after = yield* Effect.provideService(Monotonic.millis, Clock.Clock, setBack)

      assert.isAtLeast(after, before)
      assert.isBelow(after - before, 60_000)
    }))

  it.effect("ends a patience after its time, whichever way the time of day is set", () =>
    Effect.gen(function*() {
      const wall = yield* WallClock.settable
      const seen = yield* Effect.gen(function*() {
        const isWithin = yield* Monotonic.within(Duration.seconds(30))
        const answers = [yield* isWithin]
        for (const by of [3_600_000, -3_600_000]) {
          yield* wall.set(by)
          yield* TestClock.adjust("15 seconds")
          answers.push(yield* isWithin)
        }
        return answers
      }).pipe(Effect.provideService(Clock.Clock, wall.clock))

      assert.deepStrictEqual(seen, [true, true, false])
    }))
})
