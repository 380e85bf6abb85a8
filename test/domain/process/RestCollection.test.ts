import { assert, describe, it } from "@effect/vitest"
import * as RestCollection from "../../../src/domain/process/RestCollection.ts"

const mebibytes = (count: number) => count * 2 ** 20
const at = (nowMillis: number, heap: number, busyShare = 0.01): RestCollection.Look => ({
  heapBytes: mebibytes(heap),
  busyShare,
  nowMillis
})

describe("RestCollection", () => {
  it("is due at the first rest after the start", () => {
    assert.isFalse(RestCollection.isDue(RestCollection.initial, at(0, 60, 0.5)))
    assert.isTrue(RestCollection.isDue(RestCollection.initial, at(0, 60)))
    assert.isTrue(RestCollection.isDue(RestCollection.initial, at(0, 16)))
    assert.isFalse(RestCollection.isDue(RestCollection.initial, at(0, 15)))
  })

  it("is due when the heap has grown over the least since the last one, at rest, a while later", () => {
    const collected = RestCollection.collected(at(0, 80))
    // V8 gives back what it found a moment later.
    const state = RestCollection.looked(collected, at(5_000, 50))
    assert.isFalse(RestCollection.isDue(collected, at(120_000, 100)))
    assert.isFalse(RestCollection.isDue(state, at(120_000, 81)))
    assert.isTrue(RestCollection.isDue(state, at(120_000, 82)))
    assert.isFalse(RestCollection.isDue(state, at(59_999, 100)))
    assert.isFalse(RestCollection.isDue(state, at(120_000, 100, 0.06)))
  })

  it("is never due where a collection would take long", () => {
    assert.isTrue(RestCollection.isDue(RestCollection.initial, at(0, 192)))
    assert.isFalse(RestCollection.isDue(RestCollection.initial, at(0, 193)))
  })
})
