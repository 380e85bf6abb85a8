import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as TokenBucket from "../../../src/domain/security/TokenBucket.ts"

const steps = fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 200 })
const options = fc.record({ perSecond: fc.integer({ min: 1, max: 100 }), burst: fc.integer({ min: 1, max: 50 }) })

describe("TokenBucket", () => {
  it("never lets more pass than the burst and what the time since then allows", () => {
    fc.assert(fc.property(options, steps, (limit, gaps) => {
      const bucket = TokenBucket.make(limit)
      let now = 1_000
      let passed = 0
      for (const gap of gaps) {
        now += gap
        if (bucket.take(now)) passed += 1
      }

      assert.isAtMost(passed, limit.burst + (now - 1_000) / 1_000 * limit.perSecond + 1e-6)
    }))
  })

  it("lets one pass when the time that it named is over, and not before", () => {
    fc.assert(fc.property(options, (limit) => {
      const bucket = TokenBucket.make(limit)
      for (let taken = 0; taken < limit.burst; taken++) assert.isTrue(bucket.take(0))
      const wait = bucket.retryAfterMillis(0)

      assert.isAbove(wait, 0)
      assert.isFalse(bucket.take(wait - 1))
      assert.isTrue(bucket.take(wait))
    }))
  })

  it("is not emptied by a clock that is set back", () => {
    const bucket = TokenBucket.make({ perSecond: 1, burst: 2 })

    assert.deepStrictEqual([bucket.take(10_000), bucket.take(0), bucket.take(0)], [true, true, false])
  })
})
