import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import * as fc from "fast-check"
import { Budget } from "../../../../src/services/poller/polls/StreamBudget.ts"

const step = fc.oneof(
  fc.record({ kind: fc.constant("begin" as const) }),
  fc.record({ kind: fc.constant("add" as const), at: fc.nat(), bytes: fc.integer({ min: 0, max: 60 }) }),
  fc.record({ kind: fc.constant("end" as const), at: fc.nat() })
)

describe("StreamBudget", () => {
  it("never holds more than it may, and gives up whoever holds most", () =>
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const budget = new Budget(100)
      let live = new Array<ReturnType<Budget["begin"]>>()
      for (const one of steps) {
        if (one.kind === "begin") live.push(budget.begin())
        const chosen = one.kind === "begin" || live.length === 0 ? undefined : live[one.at % live.length]
        if (chosen === undefined) continue
        if (one.kind === "add") budget.add(chosen, one.bytes)
        else budget.end(chosen)
        const before = live
        live = live.filter((each) =>
          !(one.kind === "end" && each === chosen) && !Effect.runSync(Deferred.isDone(each.givenUp))
        )
        if (one.kind === "add" && live.length < before.length) {
          const lost = before.filter((each) => !live.includes(each))
          const most = Math.max(...before.map(({ bytes }) => bytes))
          assert.deepStrictEqual(lost.map(({ bytes }) => bytes), [most])
        }
        assert.isAtMost(live.reduce((sum, { bytes }) => sum + bytes, 0), 100)
        assert.strictEqual(budget.size, live.length)
      }
    })))
})
