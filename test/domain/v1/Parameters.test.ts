import { assert, describe, it } from "@effect/vitest"
import { DateTime, Result } from "effect"
import * as Parameters from "../../../src/domain/v1/Parameters.ts"

const bounds = { usual: 100, most: 500 }
const now = DateTime.makeUnsafe("2026-11-30T12:00:00Z")

const times = (query: string) =>
  Result.map(
    Parameters.times(new URLSearchParams(query), now),
    ({ from, to }) => [DateTime.formatIso(from), DateTime.formatIso(to)]
  )

describe("A number of an address", () => {
  it.each([
    [null, 100],
    ["", 100],
    ["7", 7],
    ["+7", 7],
    ["0", 100],
    ["-1", 100],
    ["7.5", 100],
    ["1e9", 100],
    ["many", 100],
    ["501", 500],
    ["999999999999999", 500],
    ["99999999999999999999999", 100]
  ])("%j is %d", (text, expected) => {
    assert.strictEqual(Parameters.number(text, bounds), expected)
  })

  it("may be 0 where it is told so", () => {
    assert.strictEqual(Parameters.number("0", { usual: 5, most: 9 }, 0), 0)
  })
})

describe("Times of an address", () => {
  it("are the last day where nothing is said", () => {
    assert.deepStrictEqual(times(""), Result.succeed(["2026-11-29T12:00:00.000Z", "2026-11-30T12:00:00.000Z"]))
  })

  it("are in any zone", () => {
    assert.deepStrictEqual(
      times("start=2026-01-01T01:00:00%2B01:00&end=2026-01-02T00:00:00.5Z"),
      Result.succeed(["2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.500Z"])
    )
  })

  it.each(["yesterday", "2026-01-01", "1700000000", "2026-02-31", "2026-13-01T00:00:00Z", "2026-01-01 00:00:00Z"])(
    "are not %s",
    (text) => {
      assert.deepStrictEqual(
        times(`end=${encodeURIComponent(text)}`),
        Result.fail({ parameter: "end", text })
      )
    }
  )
})
