import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { BatchAccumulation, type ClosedBatch } from "../../../src/domain/pipeline/BatchAccumulation.ts"

const limits = fc.record({
  size: fc.integer({ min: 1, max: 8 }),
  timeoutMillis: fc.integer({ min: 1, max: 50 }),
  bytesMax: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 20 })),
  keysMax: fc.integer({ min: 1, max: 4 })
})
const steps = fc.array(
  fc.record({ bytes: fc.integer({ min: 1, max: 15 }), key: fc.constantFrom("a", "b", "c"), wait: fc.nat(20) }),
  { maxLength: 60 }
)

describe("BatchAccumulation", () => {
  it("gives back every value once, in the order of its key, within size, bytes, keys and time", () => {
    fc.assert(fc.property(limits, steps, (limit, values) => {
      const open = new BatchAccumulation<number, number>({ ...limit, bytesOf: (bytes) => bytes, closes: () => false })
      const closed: Array<ClosedBatch<number, number>> = []
      const addedAt: Array<number> = []
      let now = 0
      values.forEach(({ bytes, key, wait }, index) => {
        now += wait
        closed.push(...open.due(now))
        assert.isTrue(open.dueMillis === undefined || open.dueMillis > now)
        addedAt.push(now)
        closed.push(...open.add(bytes, index, key, 0, now))
      })
      closed.push(...open.flush())

      for (const { batch: { values: batch, items, dueMillis, bytes } } of closed) {
        assert.isAtMost(batch.length, limit.size)
        assert.isTrue(bytes <= limit.bytesMax || batch.length === 1)
        assert.strictEqual(dueMillis, (addedAt[items[0] ?? 0] ?? 0) + limit.timeoutMillis)
      }
      const indexes = closed.flatMap(({ batch }) => batch.items)
      assert.deepStrictEqual(indexes.toSorted((a, b) => a - b), values.map((_, index) => index))
      for (const key of ["a", "b", "c"]) {
        const ofKey = indexes.filter((index) => values[index]?.key === key)
        assert.deepStrictEqual(ofKey, ofKey.toSorted((a, b) => a - b))
      }
    }))
  })
})
