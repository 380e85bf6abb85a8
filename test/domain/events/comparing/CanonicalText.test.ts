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

  it("reads attributes as maps, in JSON and as the Go services flatten them", () => {
    const json = "{\"b\":\"x\",\"a\":1.5,\"ok\":true,\"none\":false,\"zero\":0,\"list\":[1]}"

    assert.strictEqual(CanonicalText.ofAttributes(json), CanonicalText.ofAttributes("a=1.500000,ok=true,b=x"))
    assert.notStrictEqual(CanonicalText.ofAttributes(json), CanonicalText.ofAttributes("a=1.500000,ok=true,b=y"))
    assert.isNull(CanonicalText.ofAttributes("{\"status\":0}"))
  })
})
