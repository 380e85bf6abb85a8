import { assert, describe, it } from "@effect/vitest"
import * as Scalar from "../../../../src/domain/events/decode/Scalar.ts"

describe("Scalar", () => {
  it.each([
    ["12.5 ms", 12.5],
    ["-1e3", -1000],
    [".5", 0.5],
    ["abc", null],
    ["1e999", null],
    [7, 7],
    [true, null],
    [undefined, null]
  ])("reads the number %j begins with", (value, expected) => {
    assert.strictEqual(Scalar.float8(value), expected)
  })

  it("cuts and clamps whole numbers", () => {
    assert.strictEqual(Scalar.int4(4_200_000_001), 2 ** 31 - 1)
    assert.strictEqual(Scalar.int4("-7.9"), -7)
    assert.isTrue(Object.is(Scalar.int4(-0.5), 0))
    assert.strictEqual(Scalar.int8("9223372036854775807"), 9_223_372_036_854_775_807n)
    assert.strictEqual(Scalar.int8("+99999999999999999999"), 2n ** 63n - 1n)
    assert.strictEqual(Scalar.int8(1e300), 2n ** 63n - 1n)
    assert.strictEqual(Scalar.int8("x"), null)
  })

  it("reads flags in all their spellings", () => {
    assert.deepStrictEqual([true, 1, "True", "1"].map(Scalar.boolean), [true, true, true, true])
    assert.deepStrictEqual([false, 0, "false", "0"].map(Scalar.boolean), [false, false, false, false])
    assert.deepStrictEqual(["maybe", null].map(Scalar.boolean), [null, null])
  })

  it("writes every single value as text", () => {
    assert.deepStrictEqual(["a", 1, true, null].map(Scalar.text), ["a", "1", "true", null])
  })
})
