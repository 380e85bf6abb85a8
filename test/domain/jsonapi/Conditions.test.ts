import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Conditions from "../../../src/domain/jsonapi/Conditions.ts"

const expected = (header: string | undefined) =>
  Result.match(Conditions.expected(header), {
    onFailure: ({ source, status }) => ({ status, source }),
    onSuccess: (versions) => versions
  })

describe("If-Match", () => {
  it("names versions, of which a weak one is never that of a record", () => {
    assert.strictEqual(expected(undefined), undefined)
    assert.strictEqual(expected("*"), undefined)
    assert.deepStrictEqual(expected("\"12\""), ["12"])
    assert.deepStrictEqual(expected("\"12\", W/\"13\" ,\"14\""), ["12", "W/\"13\"", "14"])
    assert.deepStrictEqual(expected("W/\"12\""), ["W/\"12\""])
  })

  it("that cannot be read is refused", () => {
    for (const header of ["12", "\"12", "12, \"13\"", ""]) {
      assert.deepStrictEqual(expected(header), { status: 400, source: { header: "If-Match" } }, header)
    }
  })
})

describe("If-None-Match", () => {
  it("is met by a version that is among its tags, weak or not", () => {
    assert.isTrue(Conditions.isKnown("W/\"12\", \"13\"", "12"))
    assert.isTrue(Conditions.isKnown("*", "12"))
    assert.isFalse(Conditions.isKnown("\"13\"", "12"))
    assert.isFalse(Conditions.isKnown("12", "12"))
    assert.isFalse(Conditions.isKnown(undefined, "12"))
  })
})
