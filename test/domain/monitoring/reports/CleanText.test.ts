import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as CleanText from "../../../../src/domain/monitoring/reports/CleanText.ts"

describe("CleanText", () => {
  it.each([
    ["{\"a\":\"\\u0000\"}", "{\"a\":\"\\ufffd\"}"],
    ["{\"a\":\"\\\\u0000\"}", "{\"a\":\"\\\\u0000\"}"],
    ["{\"a\":\"\\\\\\u0000\"}", "{\"a\":\"\\\\\\ufffd\"}"],
    ["{\"a\":\"\\uD83D\\uDE00\"}", "{\"a\":\"\\uD83D\\uDE00\"}"],
    ["{\"a\":\"\\ud83d\"}", "{\"a\":\"\\ufffd\"}"],
    ["{\"a\":\"\\ude00\\ud83d\"}", "{\"a\":\"\\ufffd\\ufffd\"}"]
  ])("turns %s into %s", (text, expected) => {
    assert.strictEqual(CleanText.cleanJson(text), expected)
  })

  it("changes no document but for what cannot be kept", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
      const document = JSON.stringify({ [text]: [text] })
      const kept = text.replaceAll("\0", "\uFFFD").toWellFormed()

      assert.deepStrictEqual(JSON.parse(CleanText.cleanJson(document)), { [kept]: [kept] })
    }))
  })
})
