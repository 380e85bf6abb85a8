import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as ArrayScanner from "../../../src/domain/inventory/ArrayScanner.ts"

const limits = { elementBytesMax: 1_000_000, restBytesMax: 1_000_000 }

const document = fc.record({ results: fc.array(fc.jsonValue()), other: fc.jsonValue(), total: fc.integer() }).map(
  ({ other, results, total }) => ({ other, data: { prev: other, results, total }, success: true })
)

const scan = (text: string, cuts: ReadonlyArray<number>, withLimits = limits) => {
  const bytes = new TextEncoder().encode(text)
  const elements: Array<unknown> = []
  const scanner = ArrayScanner.make(
    ["data", "results"],
    withLimits,
    (element) => elements.push(element === undefined ? undefined : JSON.parse(element))
  )
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b)
  const isTaken = places.slice(1).every((to, index) => scanner.push(bytes.slice(places[index], to)))
  return { isTaken, elements, rest: scanner.end() }
}

describe("ArrayScanner", () => {
  it("finds the elements that a parser finds, however the bytes arrive", () => {
    fc.assert(fc.property(document, fc.array(fc.nat(), { maxLength: 20 }), fc.boolean(), (value, cuts, isPretty) => {
      const found = scan(JSON.stringify(value, null, isPretty ? 2 : undefined), cuts)

      assert.deepStrictEqual(
        found.elements,
        JSON.parse(JSON.stringify(value.data.results))
      )
      const rest: unknown = JSON.parse(found.rest ?? "")
      assert.deepStrictEqual(rest, JSON.parse(JSON.stringify({ ...value, data: { ...value.data, results: [] } })))
    }))
  })

  it("has no end while the text is cut off", () => {
    const text = JSON.stringify({ data: { results: [{ a: "]}" }, 2], total: 2 } })

    for (let length = 0; length < text.length; length++) {
      if (length > 0) assert.isUndefined(scan(text.slice(0, length), []).rest)
    }
  })

  it("passes over an element above the limit, and stops at such a rest", () => {
    const large = "x".repeat(2_000)
    const tight = { elementBytesMax: 1_000, restBytesMax: 1_000 }

    const { elements, isTaken } = scan(
      JSON.stringify({ data: { results: [1, large, { a: [large] }, 2] } }),
      [700, 900],
      tight
    )
    assert.isTrue(isTaken)
    assert.deepStrictEqual(elements, [1, undefined, undefined, 2])
    assert.isFalse(scan(JSON.stringify({ data: { large, results: [] } }), [], tight).isTaken)
  })
})
