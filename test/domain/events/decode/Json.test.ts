import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import * as Json from "../../../../src/domain/events/decode/Json.ts"
import { objectsPerMessageMax } from "../../../../src/domain/events/stream/EventMessage.ts"

const nested = (levels: number, inner = "1"): string => "[".repeat(levels) + inner + "]".repeat(levels)

describe("Json", () => {
  it("removes what PostgreSQL's text cannot hold, in keys and values", () => {
    assert.deepStrictEqual(
      Json.parse(String.raw`{"a\u0000b":["x\u0000",{"y":"\ud800z\ud83d\ude00"}],"n":1}`),
      Result.succeed({ ab: ["x", { y: "\ufffdz😀" }], n: 1 })
    )
  })

  it("keeps text that only looks like an escape", () => {
    assert.deepStrictEqual(Json.parse(String.raw`"\\u0000"`), Result.succeed(String.raw`\u0000`))
  })

  it("keeps a key that would be a prototype", () => {
    assert.isTrue(
      Result.isSuccess(
        Result.map(Json.parse(String.raw`{"__proto__":{"a":"\u0000"}}`), (value) => {
          assert.deepStrictEqual(JSON.stringify(value), `{"__proto__":{"a":""}}`)
        })
      )
    )
  })

  it("refuses text that is no JSON, and nesting that would overflow a stack", () => {
    assert.isTrue(Result.isFailure(Json.parse("{")))
    assert.isTrue(Result.isSuccess(Json.parse(nested(128))))
    assert.isTrue(Result.isFailure(Json.parse(nested(129))))
    assert.isTrue(Result.isFailure(Json.parse(nested(100_000))))
    assert.isTrue(Result.isFailure(Json.parse(`{"a":"}}}}]]]]\\"]]","b":${nested(129)}}`)))
    assert.isTrue(Result.isSuccess(Json.parse(`"${"[".repeat(500)}\\\\"`)))
  })

  it("refuses more objects and arrays than fit in memory, whatever is in strings", () => {
    const list = (items: number) => `{"a":"[[{{\\"[","b":[${Array(items).fill("{}").join()}]}`

    assert.isTrue(Result.isSuccess(Json.parse(list(objectsPerMessageMax - 2))))
    assert.deepStrictEqual(
      Json.parse(list(objectsPerMessageMax - 1)),
      Result.fail({ path: [], reason: "expected at most 524288 objects and arrays" })
    )
  })

  it.each([
    [{ a: 1 }, `{"a":1}`],
    [[1], "[1]"],
    [`{"a": 1}`, `{"a":1}`],
    ["text", null],
    ["{broken", null],
    [5, null],
    [null, null]
  ])("takes %j for a document as %s", (value, expected) => {
    assert.strictEqual(Json.jsonb(value), expected)
  })

  it.effect.prop("makes any text fit", [Schema.String.check(Schema.isMaxLength(50))], ([text]) =>
    Effect.sync(() => {
      const clean = Json.cleanText(`${text}\0\ud800`)
      assert.isTrue(clean.isWellFormed() && !clean.includes("\0"))
    }))
})
