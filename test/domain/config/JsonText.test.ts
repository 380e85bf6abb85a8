import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import * as JsonText from "../../../src/domain/config/JsonText.ts"

const toValue = (node: JsonText.JsonNode): unknown => {
  switch (node._tag) {
    case "Scalar":
      return node.value
    case "Array":
      return node.items.map(toValue)
    case "Object":
      return Object.fromEntries(node.entries.map(({ key, node }) => [key, toValue(node)]))
  }
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const problemOf = (text: string) => {
  const result = JsonText.parse(text)
  return Result.isFailure(result) ? result.failure : undefined
}

describe("JsonText", () => {
  it("reads every JSON text to the value that JSON.parse reads", () => {
    fc.assert(fc.property(fc.json(), fc.constantFrom(undefined, 2, "\t"), (json, indent) => {
      const text = JSON.stringify(JSON.parse(json), null, indent)
      assert.deepStrictEqual(toValue(Result.getOrThrow(JsonText.parse(text))), JSON.parse(text))
    }))
  })

  it("accepts exactly the texts that JSON.parse accepts", () => {
    const almostJson = fc.tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom("", ",", "{", "]", "\"", "\\", "0", "e", "-", "\n")
    )
      .map(([json, at, replacement]) => {
        const index = at % (json.length + 1)
        return json.slice(0, index) + replacement + json.slice(index + 1)
      })
    fc.assert(
      fc.property(almostJson, (text) => {
        assert.strictEqual(Result.isSuccess(JsonText.parse(text)), isJson(text), text)
      }),
      { numRuns: 1000 }
    )
  })

  it("says where a text stops being JSON and what was expected", () => {
    assert.deepStrictEqual(problemOf("{\n  \"a\": 1,\n}"), {
      at: { line: 3, column: 1 },
      expectation: "a key in double quotes"
    })
    assert.deepStrictEqual(problemOf("{\"a\" 1}"), { at: { line: 1, column: 6 }, expectation: "a colon" })
    assert.deepStrictEqual(problemOf("[1 2]"), { at: { line: 1, column: 4 }, expectation: "a comma or \"]\"" })
    assert.deepStrictEqual(problemOf("{} x"), { at: { line: 1, column: 4 }, expectation: "the end of the document" })
    assert.deepStrictEqual(problemOf(""), { at: { line: 1, column: 1 }, expectation: "a value" })
  })

  it("refuses endless nesting instead of running out of stack", () => {
    assert.strictEqual(problemOf("[".repeat(100_000))?.expectation, "at most 100 levels of nesting")
  })

  it("reads strings of megabytes, and refuses millions of escapes instead of running out of stack", () => {
    const long = JsonText.parse(`["${"a".repeat(20_000_000)}"]`)
    const escapes = JsonText.parse(`["${"\\n".repeat(20_000_000)}"]`)

    assert.isTrue(Result.isSuccess(long))
    assert.isTrue(
      Result.isSuccess(escapes) || escapes.failure.expectation === "a string with fewer escapes",
      Result.isFailure(escapes) ? escapes.failure.expectation : ""
    )
  })

  it("skips a byte order mark", () => {
    assert.isTrue(Result.isSuccess(JsonText.parse("\uFEFF{}")))
  })
})
