import { assert, describe, it } from "@effect/vitest"
import * as Sparkline from "../../../src/layers/terminal/Sparkline.ts"

describe("A sparkline", () => {
  it("stands between the lowest and the highest value", () => {
    assert.strictEqual(Sparkline.draw([0, 1, 2, 3, 4, 5, 6, 7], 80), "▁▂▃▄▅▆▇█")
    assert.strictEqual(Sparkline.draw([-1, 0, 1], 80), "▁▅█")
    assert.strictEqual(Sparkline.draw([5, 5, 5], 80), "▁▁▁")
  })

  it("leaves a blank where there is no value", () => {
    assert.strictEqual(Sparkline.draw([0, null, 7, Number.NaN], 80), "▁ █ ")
    assert.strictEqual(Sparkline.draw([], 80), "")
  })

  it("shows the peaks of what is wider than the line", () => {
    const values = Array.from({ length: 1000 }, (_, at) => at === 777 ? 9 : 0)

    assert.strictEqual(Sparkline.draw(values, 10), "▁▁▁▁▁▁▁█▁▁")
  })
})
