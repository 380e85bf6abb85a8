import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as CallWindow from "../../../src/domain/breaker/CallWindow.ts"

const policy: CallWindow.WindowPolicy = {
  periodMillis: 1_000,
  callsMin: 3,
  failureRate: 0.5,
  slow: { rate: 0.75, fromMillis: 100 }
}

const calls = fc.array(
  fc.record({ afterMillis: fc.nat(400), isFailed: fc.boolean(), durationMillis: fc.nat(200) }),
  { maxLength: 60 }
)

describe("CallWindow", () => {
  it("judges the calls of its period as one who remembers each of them, give or take a tenth", () => {
    fc.assert(fc.property(calls, (given) => {
      let window = CallWindow.empty
      let now = 0
      const all: Array<{ readonly at: number; readonly isFailed: boolean; readonly durationMillis: number }> = []
      for (const { afterMillis, ...call } of given) {
        now += afterMillis
        all.push({ ...call, at: now })
        window = CallWindow.add(window, policy, call, now)

        // A part that began within the period is there as a whole.
        const since = (Math.floor(now / 100) - 9) * 100
        const within = all.filter(({ at }) => at >= since)
        const failed = within.filter(({ isFailed }) => isFailed).length
        const slow = within.filter(({ durationMillis }) => durationMillis >= 100).length
        const expected = within.length < 3
          ? undefined
          : failed / within.length >= 0.5
          ? "failure rate"
          : slow / within.length >= 0.75
          ? "slow calls"
          : undefined
        assert.strictEqual(CallWindow.verdict(window, policy), expected)
        assert.isAtMost(window.parts.length, 10)
      }
    }))
  })
})
