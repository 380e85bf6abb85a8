import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { ChurningMap } from "../../../src/domain/churn/ChurningMap.ts"
import { ChurningSet } from "../../../src/domain/churn/ChurningSet.ts"

/** Keys that come and go often enough for several tables. */
const histories = fc.array(fc.record({ comes: fc.boolean(), key: fc.nat({ max: 40 }) }), { maxLength: 400 })

describe("ChurningMap", () => {
  it("answers as a map does, in the same order, whatever comes and goes", () => {
    fc.assert(
      fc.property(histories, (history) => {
        const map = new ChurningMap<number, number>()
        const expected = new Map<number, number>()
        for (const [at, { comes, key }] of history.entries()) {
          if (comes) {
            map.set(key, at)
            expected.set(key, at)
          } else assert.strictEqual(map.delete(key), expected.delete(key))
          assert.strictEqual(map.size, expected.size)
          assert.strictEqual(map.get(key), expected.get(key))
          assert.strictEqual(map.has(key), expected.has(key))
        }
        assert.deepStrictEqual([...map], [...expected])
        assert.deepStrictEqual([...map.keys()], [...expected.keys()])
        assert.deepStrictEqual([...map.values()], [...expected.values()])
      })
    )
  })

  it("can have the entry at hand taken out while it is gone through", () => {
    const map = new ChurningMap<number, number>()
    for (let key = 0; key < 100; key += 1) map.set(key, key)

    const seen: Array<number> = []
    for (const [key] of map) {
      seen.push(key)
      map.delete(key)
    }

    assert.deepStrictEqual(seen, Array.from({ length: 100 }, (_, key) => key))
    assert.strictEqual(map.size, 0)
  })

  it("is empty once it is cleared", () => {
    const map = new ChurningMap<string, number>()
    map.set("one", 1)

    map.clear()

    assert.deepStrictEqual([...map], [])
    assert.strictEqual(map.get("one"), undefined)
  })
})

describe("ChurningSet", () => {
  it("answers as a set does, in the same order, whatever comes and goes", () => {
    fc.assert(
      fc.property(histories, (history) => {
        const set = new ChurningSet<number>()
        const expected = new Set<number>()
        for (const { comes, key } of history) {
          if (comes) {
            set.add(key)
            expected.add(key)
          } else assert.strictEqual(set.delete(key), expected.delete(key))
          assert.strictEqual(set.has(key), expected.has(key))
          assert.deepStrictEqual([set.size, ...set], [expected.size, ...expected])
        }
        set.clear()
        assert.deepStrictEqual([set.size, ...set], [0])
      })
    )
  })
})
