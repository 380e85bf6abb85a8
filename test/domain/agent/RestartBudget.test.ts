import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as RestartBudget from "../../../src/domain/agent/RestartBudget.ts"

const broken = (times: ReadonlyArray<number>) =>
  times.reduce<RestartBudget.RestartBudget>((budget, at) => RestartBudget.broke(budget, at), RestartBudget.full)

describe("The budget of a checker's restarts", () => {
  it("is used up by three breaks within a minute, and not by three in a longer time", () => {
    assert.strictEqual(RestartBudget.restsForMillis(broken([0, 30_000, 59_999]), 60_000), 59_999)
    assert.strictEqual(RestartBudget.restsForMillis(broken([0, 30_000, 60_001]), 60_002), 0)
  })

  it("has each rest take twice as long while every check between them breaks, up to ten minutes", () => {
    let budget = broken([0, 1, 2])
    let now = 2
    const rests: Array<number> = []
    for (let count = 0; count < 6; count++) {
      const rest = RestartBudget.restsForMillis(budget, now)
      rests.push(rest / 60_000)
      now += rest
      budget = RestartBudget.broke(budget, now)
    }
    assert.deepStrictEqual(rests, [1, 2, 4, 8, 10, 10])
  })

  it("begins with a minute again after a check that came to a result", () => {
    const resting = broken([0, 1, 2])
    const answered = RestartBudget.answered(resting, 100_000) ?? RestartBudget.full
    assert.strictEqual(RestartBudget.restsForMillis(RestartBudget.broke(answered, 100_001), 100_001), 0)
    const again = [100_001, 100_002, 100_003].reduce((budget, at) => RestartBudget.broke(budget, at), answered)
    assert.strictEqual(RestartBudget.restsForMillis(again, 100_003), 60_000)
  })

  it("lets a checker break at most three times in any minute, whenever it breaks", () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 40_000 }), { maxLength: 100 }), (pauses) => {
      let budget = RestartBudget.full
      let now = 0
      const breaks: Array<number> = []
      for (const pause of pauses) {
        now += pause
        if (RestartBudget.restsForMillis(budget, now) > 0) continue
        budget = RestartBudget.broke(budget, now)
        breaks.push(now)
      }
      return breaks.every((at) =>
        breaks.filter((other) => other >= at && other < at + RestartBudget.windowMillis).length <= 3
      )
    }))
  })
})
