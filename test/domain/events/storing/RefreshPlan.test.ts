import { assert, describe, it } from "@effect/vitest"
import * as RefreshPlan from "../../../../src/domain/events/storing/RefreshPlan.ts"

const hour = 3_600_000
const now = 1_000 * hour
const limits = { overlapMillis: 60_000, retentionMillis: 72 * hour }

const facts = (given: Partial<RefreshPlan.RefreshFacts>): RefreshPlan.RefreshFacts => ({
  nowMillis: now,
  uptoMillis: undefined,
  oldestMillis: undefined,
  firstMillis: 0,
  ...given
})

describe("RefreshPlan", () => {
  it("begins with the first span, or with the first that is kept", () => {
    const young = RefreshPlan.make(facts({ firstMillis: now - hour }), limits)
    const old = RefreshPlan.make(facts({ firstMillis: 0 }), limits)

    assert.deepStrictEqual(young, { fromMillis: now - hour, toMillis: now + 1, completeMillis: now })
    assert.deepStrictEqual(old?.fromMillis, now - 72 * hour)
  })

  it("goes on a little before the last refresh", () => {
    const plan = RefreshPlan.make(facts({ uptoMillis: now - 120_000 }), limits)

    assert.deepStrictEqual(plan, { fromMillis: now - 180_000, toMillis: now + 1, completeMillis: now })
  })

  it("is complete only up to the oldest open transaction, unless that is nobody's", () => {
    const writer = RefreshPlan.make(facts({ oldestMillis: now - 5_000 }), limits)
    const forgotten = RefreshPlan.make(facts({ oldestMillis: now - 10 * hour }), limits)

    assert.strictEqual(writer?.completeMillis, now - 5_000)
    assert.strictEqual(forgotten?.completeMillis, now - 600_000)
  })

  it("has nothing to do without spans", () => {
    assert.isUndefined(RefreshPlan.make(facts({ firstMillis: undefined }), limits))
  })

  it("never begins after its end, whatever the clocks say", () => {
    const plan = RefreshPlan.make(facts({ firstMillis: now + hour, uptoMillis: now + 2 * hour }), limits)

    assert.strictEqual(plan?.fromMillis, now)
  })
})
