import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Numeral from "../../../../src/domain/events/decode/Numeral.ts"

describe("Numeral", () => {
  it("keeps every digit of a whole number, however it is written", () => {
    fc.assert(fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), (value) => {
      assert.strictEqual(Numeral.whole(value.toString()), value)
      assert.strictEqual(Numeral.whole(` ${value}.000 `), value)
      assert.strictEqual(Numeral.scaled(`${value}e-3`, 3), value)
      if (value >= 0n) assert.strictEqual(Numeral.whole(`0x${value.toString(16)}`), value)
    }))
  })

  it("reads a decimal as JavaScript does, and nothing else", () => {
    fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      assert.strictEqual(Numeral.float(String(value)), Number(String(value)))
    }))
    fc.assert(fc.property(fc.string(), (text) => {
      const read = Numeral.float(text)
      // What is read is a decimal, hex, or one of the words.
      assert.isTrue(
        read === undefined || /^\s*[+-]?(?:0x[\da-f]+|\d*\.?\d*(?:e[+-]?\d+)?|nan|inf(?:inity)?)\s*$/i.test(text),
        text
      )
    }))
  })

  it.each(["", " ", "-", ".", "e5", "1e", "0x", "1_000", "1 000", "٣", "1.2.3", "9".repeat(401), "NaNs", "0b1"])(
    "reads no number from %j",
    (text) => {
      assert.deepStrictEqual([Numeral.float(text), Numeral.whole(text)], [undefined, undefined])
    }
  )
})
