import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import * as Monotonic from "../../../src/services/clock/Monotonic.ts"

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
})
