import { assert, describe, it } from "@effect/vitest"
import { partitionOf } from "../../../src/domain/supervision/Partition.ts"

describe("Partition", () => {
  it("81 finds the same partition for a key every time, whole numbers by their remainder", () => {
    assert.deepStrictEqual([0, 1, 5, -5, 12n, -13n].map((key) => partitionOf(key, 4)), [0, 1, 1, 1, 0, 1])
    assert.strictEqual(partitionOf("room-7", 8), partitionOf("room-7", 8))
    for (const key of ["", "a", "room-7", 1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_VALUE]) {
      const partition = partitionOf(key, 3)
      assert.isTrue(partition >= 0 && partition < 3, `${key} is in ${partition}`)
    }
  })

  it("spreads words over all partitions", () => {
    const used = new Set(Array.from({ length: 200 }, (_, index) => partitionOf(`room-${index}`, 8)))

    assert.strictEqual(used.size, 8)
  })
})
