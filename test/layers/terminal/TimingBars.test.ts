import { assert, describe, it } from "@effect/vitest"
import * as Style from "../../../src/layers/terminal/Style.ts"
import * as TimingBars from "../../../src/layers/terminal/TimingBars.ts"

describe("TimingBars", () => {
  it("draws each step where it happened, and all of it below", () =>
    assert.deepStrictEqual(
      TimingBars.draw({ dns: 1_000_000, connect: 1_000_000, first_byte: 2_000_000, total: 4_000_000 }, Style.plain),
      [
        `dns         ${"█".repeat(10)}${" ".repeat(30)}  1ms`,
        `connect     ${" ".repeat(10)}${"█".repeat(10)}${" ".repeat(20)}  1ms`,
        `first_byte  ${" ".repeat(20)}${"█".repeat(20)}  2ms`,
        `total       ${"█".repeat(40)}  4ms`
      ]
    ))

  it("shows what took no time, and nothing that steers a terminal", () =>
    assert.deepStrictEqual(TimingBars.draw({ "d\u001b[2Jns": 0, total: 1_234_567 }, Style.plain), [
      `d[2Jns  █${" ".repeat(39)}  0s`,
      `total   ${"█".repeat(40)}  1.23ms`
    ]))
})
