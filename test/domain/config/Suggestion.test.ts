import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as fc from "fast-check"
import { distance, nearest } from "../../../src/domain/config/Suggestion.ts"

const word = fc.string({ maxLength: 8 })

describe("Suggestion", () => {
  it.each([["", "abc", 3], ["kitten", "sitting", 3], ["devcies", "devices", 1], ["ca", "abc", 3]])(
    "knows how far %s is from %s",
    (a, b, edits) => {
      assert.strictEqual(distance(a, b), edits)
    }
  )

  it("knows that a way back is as long, and that swapping neighbours is one step", () => {
    fc.assert(fc.property(word, word, (a, b) => {
      assert.strictEqual(distance(a, b), distance(b, a))
      assert.isAtMost(distance(`${a}xy${b}`, `${a}yx${b}`), 1)
      assert.strictEqual(distance(a, a), 0)
    }))
  })

  it("suggests the nearest word, and none that is far", () => {
    assert.deepStrictEqual(nearest("hostnmae", ["host", "hostname"]), Option.some("hostname"))
    assert.deepStrictEqual(nearest("zzzzzz", ["host", "hostname"]), Option.none())
  })
})
