import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as WindowDifference from "../../../../src/domain/events/comparing/WindowDifference.ts"

const row = (key: string, ...values: ReadonlyArray<string | null>): WindowDifference.ComparedRow => ({
  key: [key],
  values
})

const counts = (difference: WindowDifference.WindowDifference) => ({
  equal: difference.equal,
  differing: difference.differing.length,
  missing: difference.missing.length,
  extra: difference.extra.length
})

const rows = fc.array(
  fc.tuple(fc.constantFrom("a", "b", "c"), fc.constantFrom("1", "2", null), fc.constantFrom("x", null))
    .map(([key, ...values]) => row(key, ...values)),
  { maxLength: 30 }
)

const text = (one: WindowDifference.ComparedRow) => JSON.stringify(one)

const occurrences = (all: ReadonlyArray<WindowDifference.ComparedRow>) => {
  const found = new Map<string, number>()
  for (const one of all) found.set(text(one), (found.get(text(one)) ?? 0) + 1)
  return found
}

describe("WindowDifference", () => {
  it("counts each row of both sides once, and as equal as often as both have it", () => {
    fc.assert(fc.property(rows, rows, (left, right) => {
      const { differing, equal, extra, missing } = WindowDifference.make(left, right)

      assert.strictEqual(equal + differing.length + missing.length, left.length)
      assert.strictEqual(equal + differing.length + extra.length, right.length)
      const onRight = occurrences(right)
      const common = Array.from(occurrences(left), ([one, count]) => Math.min(count, onRight.get(one) ?? 0))
      assert.strictEqual(equal, common.reduce((sum, count) => sum + count, 0))
    }))
  })

  it("pairs only rows with the same key, and leaves none over that could be paired", () => {
    fc.assert(fc.property(rows, rows, (left, right) => {
      const { differing, extra, missing } = WindowDifference.make(left, right)

      assert.isTrue(differing.every((pair) => pair.left.key[0] === pair.right.key[0] && pair.columns.length > 0))
      const keys = new Set(missing.map(({ key }) => key[0]))
      assert.isTrue(extra.every(({ key }) => !keys.has(key[0])))
    }))
  })

  it("counts a row that is there twice on one side as extra", () => {
    const difference = WindowDifference.make([row("a", "1")], [row("a", "1"), row("a", "1")])

    assert.deepStrictEqual(counts(difference), { equal: 1, differing: 0, missing: 0, extra: 1 })
  })

  it("leaves rows that are equal by their hashes out of the search, and finds the same", () => {
    fc.assert(fc.property(rows, rows, (left, right) => {
      const { equal, hashes } = WindowDifference.suspects(left.map(text), right.map(text))
      const isSuspect = (one: WindowDifference.ComparedRow) => hashes.includes(text(one))

      const rest = WindowDifference.make(left.filter(isSuspect), right.filter(isSuspect))

      assert.deepStrictEqual(
        counts({ ...rest, equal: rest.equal + equal }),
        counts(WindowDifference.make(left, right))
      )
    }))
  })

  it("pairs the rows that are most alike", () => {
    const { differing } = WindowDifference.make(
      [row("a", "1", "x", "p"), row("a", "2", "y", "q")],
      [row("a", "2", "y", "z"), row("a", "1", "x", "z")]
    )

    assert.deepStrictEqual(differing.map(({ columns }) => columns), [[2], [2]])
  })
})
