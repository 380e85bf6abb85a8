import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Ring } from "../../../src/domain/churn/Ring.ts"

const all = <A>(ring: Ring<A>): ReadonlyArray<A> => {
  const found: Array<A> = []
  for (let one = ring.first; one !== undefined; one = one.after) found.push(one.value)
  return found
}

describe("Ring", () => {
  it("holds those that came and have not gone, the first first, whoever goes when, and however often", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 5 })), (steps) => {
        const ring = new Ring<number>()
        const members: Array<ReturnType<typeof ring.add>> = []
        let expected: Array<number> = []
        for (const [index, step] of steps.entries()) {
          // One in three comes; of the others some are gone already.
          if (step < 2) {
            members.push(ring.add(index))
            expected.push(index)
          }
          const gone = members[step * 7 % Math.max(1, members.length)]
          if (step >= 2 && gone !== undefined) {
            ring.delete(gone)
            expected = expected.filter((one) => one !== gone.value)
          }
          assert.deepStrictEqual(all(ring), expected)
        }
      })
    )
  })

  it("keeps nothing of one that has gone", () => {
    const ring = new Ring<string>()
    const [first, second, third] = [ring.add("first"), ring.add("second"), ring.add("third")]

    ring.delete(second)

    assert.deepStrictEqual([second.before, second.after], [undefined, undefined])
    assert.strictEqual(first.after, third)
  })
})
