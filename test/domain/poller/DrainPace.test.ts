import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import * as DrainPace from "../../../src/domain/poller/DrainPace.ts"

/** How long so many batches take, with nothing but the pace to wait for. */
const millisFor = (pace: DrainPace.DrainPace, batches: number, size: number): number => {
  let now = 0
  for (let batch = 0; batch < batches; batch++) {
    now += Duration.toMillis(DrainPace.untilNext(pace, now))
    DrainPace.charge(pace, size, now)
  }
  return now
}

describe("The pace of statuses", () => {
  it("is a second's worth at once, and the rate after that", () => {
    assert.strictEqual(millisFor(DrainPace.make(2_000, 0), 20, 100), 0)
    assert.closeTo(millisFor(DrainPace.make(2_000, 0), 1_000, 100), 49_000, 200)
  })

  it("is never less than four times what is measured", () => {
    assert.strictEqual(DrainPace.rateFor(undefined, 5_000, Duration.minutes(5)), 2_000)
    assert.strictEqual(DrainPace.rateFor(10, 50_000, Duration.seconds(30)), 200_000 / 30)
    assert.strictEqual(DrainPace.rateFor(10, 10, Duration.minutes(5)), 10)
  })
})
