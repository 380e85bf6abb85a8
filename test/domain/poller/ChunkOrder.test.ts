import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import * as ChunkOrder from "../../../src/domain/poller/ChunkOrder.ts"

const numbered = (total: number): ReadonlyArray<ChunkOrder.ChunkPlace> =>
  Array.from({ length: total }, (_, index) => ({ index, total, isFinal: index === total - 1, sequence: "7" }))

const problem = (places: ReadonlyArray<ChunkOrder.ChunkPlace>): string | undefined => {
  let order = ChunkOrder.start
  for (const place of places) {
    const next = ChunkOrder.next(order, place)
    if (Result.isFailure(next)) return next.failure.message
    order = next.success
  }
  return undefined
}

/** Any order, with any of them left out or twice. */
const disturbed = fc.integer({ min: 1, max: 8 }).chain((total) =>
  fc.record({
    total: fc.constant(total),
    picked: fc.array(fc.nat({ max: total - 1 }), { minLength: 1, maxLength: 12 })
  })
)

describe("The chunks of a result stream", () => {
  it("are taken when each is there once and in order, and in no other case", () => {
    fc.assert(fc.property(disturbed, ({ picked, total }) => {
      const all = numbered(total)
      const places = picked.flatMap((index) => all[index] ?? [])
      const isWhole = picked.every((index, at) => index === at)
      assert.strictEqual(problem(places) === undefined, isWhole, picked.join(" "))
    }))
  })

  it("say what is wrong with them", () => {
    const [first, second, third] = numbered(3)
    assert.isDefined(third)
    assert.strictEqual(problem([first, third].flatMap((one) => one ?? [])), "chunk 1 of 3 is missing: 2 came")
    assert.strictEqual(problem([first, first].flatMap((one) => one ?? [])), "chunk 0 of 3 came twice")
    assert.strictEqual(
      problem([...[first].flatMap((one) => one ?? []), { index: 1, total: 4, isFinal: false, sequence: "7" }]),
      "chunk 1 of 4 is of another stream: the others are of 3"
    )
    assert.strictEqual(
      problem([...[first].flatMap((one) => one ?? []), { index: 1, total: 3, isFinal: true, sequence: "7" }]),
      "chunk 1 of 3 says that it is the final one"
    )
    assert.strictEqual(problem([first, second, third].flatMap((one) => one ?? [])), undefined)
  })

  it("are of one generation of results, which not each of them needs to name", () => {
    const of = (...sequences: ReadonlyArray<string>) =>
      problem(sequences.map((sequence, index) => ({
        index,
        total: sequences.length,
        isFinal: index === sequences.length - 1,
        sequence
      })))

    assert.strictEqual(of("1", "2"), "a chunk is of the results 2, the others are of 1")
    assert.isUndefined(of("", "", "2"))
    assert.isDefined(of("1", "", "2"))
    assert.strictEqual(
      problem([{ index: -1, total: 2, isFinal: false, sequence: "" }]),
      "chunk -1 of 2 has no place: they count from 0"
    )
  })

  it("need no numbers when their sender gives none", () => {
    const unnumbered = (isFinal: boolean) => ({ index: 0, total: 0, isFinal, sequence: "" })
    assert.isUndefined(problem([unnumbered(false), unnumbered(false), unnumbered(true)]))
    assert.isDefined(problem([unnumbered(false), { index: 1, total: 2, isFinal: true, sequence: "" }]))
  })
})
