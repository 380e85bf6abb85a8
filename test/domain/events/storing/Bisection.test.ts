import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Bisection from "../../../../src/domain/events/storing/Bisection.ts"

/** Searches a batch of `size` whose `bad` members make every part that holds one of them fail. */
const search = (
  size: number,
  bad: ReadonlySet<number>,
  options: {
    readonly statementsMax?: number
    readonly suspects?: (bad: ReadonlyArray<number>) => ReadonlyArray<number>
  } = {}
) => {
  let state = Bisection.make(size, options.statementsMax ?? 100_000)
  let statements = 0
  let rowsTried = 0
  for (let members = Bisection.next(state); members !== undefined; members = Bisection.next(state)) {
    statements += 1
    rowsTried += members.length
    const culprits = members.filter((member) => bad.has(member))
    state = culprits.length === 0
      ? Bisection.accepted(state)
      : Bisection.rejected(state, options.suspects?.(culprits) ?? [])
  }
  return { state, statements, rowsTried }
}

const sorted = (numbers: Iterable<number>) => Array.from(numbers).sort((one, other) => one - other)

const batch = fc.integer({ min: 1, max: 300 }).chain((size) =>
  fc.record({
    size: fc.constant(size),
    bad: fc.uniqueArray(fc.integer({ min: 0, max: size - 1 }), { maxLength: 12 }).map((found) => new Set(found))
  })
)

describe("Bisection", () => {
  it("stores all but the refused members, each decided once", () => {
    fc.assert(fc.property(batch, ({ bad, size }) => {
      const { state } = search(size, bad)

      assert.deepStrictEqual(sorted(state.refused), sorted(bad))
      assert.deepStrictEqual(sorted([...state.stored, ...state.refused]), Array.from({ length: size }, (_, at) => at))
      assert.deepStrictEqual(Bisection.undecided(state), [])
    }))
  })

  it("decides the same whatever the store suspects, right or wrong", () => {
    fc.assert(fc.property(batch, fc.array(fc.integer({ min: 0, max: 300 })), ({ bad, size }, suspects) => {
      const { state } = search(size, bad, { suspects: () => suspects })

      assert.deepStrictEqual(sorted(state.refused), sorted(bad))
      assert.strictEqual(state.stored.length, size - bad.size)
    }))
  })

  it("takes at most two statements per halving for each refused member", () => {
    fc.assert(fc.property(batch, ({ bad, size }) => {
      const { statements } = search(size, bad)

      assert.isAtMost(statements, 1 + bad.size * (2 * Math.ceil(Math.log2(size)) + 1))
    }))
  })

  it("never takes more statements than allowed, and leaves the rest undecided", () => {
    fc.assert(fc.property(batch, fc.integer({ min: 0, max: 20 }), ({ bad, size }, statementsMax) => {
      const { state, statements } = search(size, bad, { statementsMax })

      assert.isAtMost(statements, statementsMax)
      assert.deepStrictEqual(
        sorted([...state.stored, ...state.refused, ...Bisection.undecided(state)]),
        Array.from({ length: size }, (_, at) => at)
      )
    }))
  })

  it("takes three statements when the store points at the only culprit", () => {
    const { rowsTried, statements } = search(1_000, new Set([617]), { suspects: (bad) => bad })

    assert.deepStrictEqual({ statements, rowsTried }, { statements: 3, rowsTried: 2_000 })
  })

  it("asks one by one for members that were set aside, and takes the others for stored", () => {
    const first = Bisection.setAside(Bisection.make(10, 100), [3, 7])
    const asked = [Bisection.next(first), Bisection.next(Bisection.rejected(first))]
    const done = Bisection.accepted(Bisection.rejected(first))

    assert.deepStrictEqual(asked, [[3], [7]])
    assert.deepStrictEqual([done.refused, sorted(done.stored)], [[3], [0, 1, 2, 4, 5, 6, 7, 8, 9]])
    assert.isUndefined(Bisection.next(done))
  })

  it("does not try a half that must hold the culprit", () => {
    const { statements } = search(4, new Set([3]))

    // All four, the first two, the third, the fourth.
    assert.strictEqual(statements, 4)
  })
})
