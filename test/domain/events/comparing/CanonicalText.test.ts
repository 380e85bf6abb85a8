import { assert, describe, it } from "@effect/vitest"
import * as CanonicalText from "../../../../src/domain/events/comparing/CanonicalText.ts"

describe("CanonicalText", () => {
  it("gives JSON the same text however it is formatted", () => {
    const one = CanonicalText.ofJson("{ \"b\": [1.0, {\"d\":null,\"c\":\"ä\"}], \"a\": true }")
    const other = CanonicalText.ofJson("{\"a\":true,\"b\":[1,{\"c\":\"\\u00e4\",\"d\":null}]}")

    assert.strictEqual(one, other)
  })

  it("keeps text that is no JSON", () => {
    assert.strictEqual(CanonicalText.ofJson("a=1,b=2"), "a=1,b=2")
  })

  it("keeps every digit of numbers, so that two are never the same", () => {
    assert.notStrictEqual(
      CanonicalText.ofJson(`{"a":9007199254740993}`),
      CanonicalText.ofJson(`{"a":9007199254740992}`)
    )
  })

  it("takes no list and an empty one for the same", () => {
    assert.isNull(CanonicalText.ofList("[ ]"))
  })
})
