import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as ConfigDocument from "../../../src/domain/config/ConfigDocument.ts"
import * as ConfigOverlay from "../../../src/domain/config/ConfigOverlay.ts"
import * as JsonText from "../../../src/domain/config/JsonText.ts"

const node = (value: unknown) => Result.getOrThrow(JsonText.parse(JSON.stringify(value)))

const over = (lower: unknown, upper: unknown): unknown =>
  Result.getOrThrow(
    ConfigDocument.decodeNode(
      Schema.Record(Schema.String, Schema.Unknown),
      ConfigOverlay.over(node(lower), node(upper))
    )
  ).value

describe("ConfigOverlay", () => {
  it("joins objects at every depth, and replaces everything else whole", () => {
    assert.deepEqual(
      over(
        { a: { x: 1, y: { z: 1 } }, list: [1, 2], kept: true, text: "lower" },
        { a: { y: { w: 2 } }, list: [3], text: 5, young: { v: 1 } }
      ),
      { a: { x: 1, y: { z: 1, w: 2 } }, list: [3], kept: true, text: 5, young: { v: 1 } }
    )
  })

  it("changes nothing where it says nothing", () => {
    assert.deepEqual(over({ a: { b: [1] } }, {}), { a: { b: [1] } })
  })
})
