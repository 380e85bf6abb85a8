import { assert, describe, it } from "@effect/vitest"
import * as Scalar from "../../../../src/domain/events/decode/Scalar.ts"

describe("Scalar", () => {
  it.each([
    ["12.5", 12.5],
    [" -1e3 ", -1000],
    [".5", 0.5],
    ["0x10", 16],
    ["NaN", Number.NaN],
    ["+Inf", Number.POSITIVE_INFINITY],
    ["-infinity", Number.NEGATIVE_INFINITY],
    [7, 7],
    [true, 1],
    [false, 0],
    ["12.5 ms", undefined],
    ["1,000", undefined],
    ["abc", undefined],
    ["infinite", undefined],
    ["", undefined],
    ["1e999", undefined],
    [null, undefined]
  ])("reads %j as the number %s", (value, expected) => {
    assert.deepStrictEqual(Scalar.float8(value), expected)
  })

  it("cuts and clamps whole numbers, and reads none that does not fit", () => {
    assert.strictEqual(Scalar.int4(4_200_000_001), undefined)
    assert.strictEqual(Scalar.int4("-7.9"), -7)
    assert.isTrue(Object.is(Scalar.int4(-0.5), 0))
    assert.strictEqual(Scalar.int8("9223372036854775807"), 9_223_372_036_854_775_807n)
    assert.strictEqual(Scalar.int8("9007199254740993"), 9_007_199_254_740_993n)
    assert.strictEqual(Scalar.int8("+99999999999999999999"), 2n ** 63n - 1n)
    assert.strictEqual(Scalar.int8(1e300), 2n ** 63n - 1n)
    assert.deepStrictEqual(["x", "1.5ms", true, ""].map(Scalar.int8), [undefined, undefined, undefined, undefined])
    assert.deepStrictEqual(["18446744073709551615", "0x1b", -1].map(Scalar.count), [2n ** 64n - 1n, 27n, undefined])
  })

  it("reads flags in all their spellings", () => {
    assert.deepStrictEqual([true, 1, "True", "1", "yes", "ON"].map(Scalar.boolean), Array(6).fill(true))
    assert.deepStrictEqual([false, 0, "false", "0", "No", "off"].map(Scalar.boolean), Array(6).fill(false))
    assert.deepStrictEqual(["maybe", null].map(Scalar.boolean), [undefined, undefined])
  })

  it.each([
    ["1.5ms", 1_500_000],
    ["1m2.5s", 62_500_000_000],
    ["250µs", 250_000],
    ["250 us", 250_000],
    ["-3ns", -3],
    ["2h", 7_200_000_000_000],
    ["1.5", undefined],
    ["ms", undefined],
    ["1.5msx", undefined],
    [5, undefined]
  ])("reads the duration %j as %s nanoseconds", (value, expected) => {
    assert.strictEqual(Scalar.nanosOfDuration(value), expected)
  })

  it("writes every single value as text", () => {
    assert.deepStrictEqual(["a", 1, true, null].map(Scalar.text), ["a", "1", "true", null])
  })
})
