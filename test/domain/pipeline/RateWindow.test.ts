import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as RateWindow from "../../../src/domain/pipeline/RateWindow.ts"

describe("RateWindow", () => {
  it("lets no more pass in any window than allowed, and always some in a new one", () => {
    const limit = { allowed: 5, intervalMillis: 100 }
    fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: -150, max: 150 }), fc.nat(9))), (asked) => {
      let window = RateWindow.fresh
      let now = 0
      const passed = new Map<number, number>()
      for (const [wait, wanted] of asked) {
        now += wait
        window = RateWindow.at(window, limit, now)
        const count = Math.min(wanted, RateWindow.remaining(window, limit))
        window = RateWindow.use(window, count)
        passed.set(window.startMillis, (passed.get(window.startMillis) ?? 0) + count)
        assert.isAtMost(window.used, limit.allowed)
        assert.isAtMost(RateWindow.waitMillis(window, limit, now), limit.intervalMillis)
        const later = now + RateWindow.waitMillis(window, limit, now)
        assert.strictEqual(RateWindow.remaining(RateWindow.at(window, limit, later), limit), limit.allowed)
      }
    }))
  })
})
