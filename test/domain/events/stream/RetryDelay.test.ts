import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schema } from "effect"
import * as RetryDelay from "../../../../src/domain/events/stream/RetryDelay.ts"

const Deliveries = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))
const Jitter = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 0.999 }))

describe("RetryDelay", () => {
  it("doubles from one second", () => {
    const delays = [1, 2, 3, 4].map((deliveries) => Duration.toMillis(RetryDelay.after(deliveries, 0.5)))

    assert.deepStrictEqual(delays, [1000, 2000, 4000, 8000])
  })

  it.effect.prop("stays between 800 ms and 72 s", [Deliveries, Jitter], ([deliveries, jitter]) =>
    Effect.sync(() => {
      const millis = Duration.toMillis(RetryDelay.after(deliveries, jitter))

      assert.isAtLeast(millis, 800)
      assert.isAtMost(millis, 72_000)
    }))
})
