import { assert, describe, it } from "@effect/vitest"
import * as JsonDepth from "../../../src/domain/monitoring/JsonDepth.ts"

describe("JsonDepth", () => {
  it("counts the brackets that are open at once, and none in a string", () => {
    assert.isFalse(JsonDepth.isDeeperThan(`[{"a":[]},[[]]]`, 3))
    assert.isTrue(JsonDepth.isDeeperThan(`[{"a":[]},[[]]]`, 2))
    assert.isFalse(JsonDepth.isDeeperThan(JSON.stringify({ "[[[\"[{": "\\\"[[[[" }), 1))
  })

  it("takes a million brackets in a row", () => {
    assert.isTrue(JsonDepth.isDeeperThan("[".repeat(1_000_000), JsonDepth.max))
    assert.isFalse(JsonDepth.isDeeperThan("[]".repeat(500_000), JsonDepth.max))
  })
})
