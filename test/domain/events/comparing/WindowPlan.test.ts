import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as WindowPlan from "../../../../src/domain/events/comparing/WindowPlan.ts"

const minutes = fc.uniqueArray(
  fc.record({ epochSeconds: fc.integer({ min: 0, max: 50 }), rows: fc.nat({ max: 30 }) }),
  {
    selector: ({ epochSeconds }) => epochSeconds
  }
)

describe("WindowPlan", () => {
  it("covers all rows without a gap, in windows whose parts are small enough", () => {
    fc.assert(fc.property(minutes, fc.integer({ min: 1, max: 40 }), (given, rowsMax) => {
      const windows = WindowPlan.make(WindowPlan.merge(given, []), rowsMax)

      assert.strictEqual(
        windows.reduce((sum, { rows }) => sum + rows, 0),
        given.reduce((sum, { rows }) => sum + rows, 0)
      )
      windows.forEach(({ parts, rows, untilSeconds }, at) => {
        assert.strictEqual(untilSeconds, windows[at + 1]?.fromSeconds)
        assert.isAtMost(rows / parts, rowsMax)
      })
    }))
  })

  it("takes the units of both sides, with the more rows of either", () => {
    const found = WindowPlan.merge([{ epochSeconds: 60, rows: 1 }, { epochSeconds: 120, rows: 5 }], [
      { epochSeconds: 0, rows: 2 },
      { epochSeconds: 120, rows: 3 }
    ])

    assert.deepStrictEqual(found, [
      { epochSeconds: 0, rows: 2 },
      { epochSeconds: 60, rows: 1 },
      { epochSeconds: 120, rows: 5 }
    ])
  })

  it("begins and ends with the range", () => {
    const windows = WindowPlan.make([{ epochSeconds: 0, rows: 3 }, { epochSeconds: 60, rows: 3 }], 3, {
      sinceSeconds: 10,
      untilSeconds: 70
    })

    assert.deepStrictEqual(windows.map(({ fromSeconds, untilSeconds }) => [fromSeconds, untilSeconds]), [
      [10, 60],
      [60, 70]
    ])
  })
})
