import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Timestamp from "../../../../src/domain/events/decode/Timestamp.ts"

const at = 1_767_323_045_000_000

describe("Timestamp", () => {
  it.each([
    ["2026-01-02T03:04:05Z", at],
    ["2026-01-02t03:04:05.5z", at + 500_000],
    ["2026-01-02 05:04:05.123456789+02:00", at + 123_456],
    ["2026-01-02T03:04:05.000001+0000", at + 1],
    ["1767323045", at],
    ["1767323045.25", at + 250_000],
    [1_767_323_045, at],
    [1_767_323_045.5, at + 500_000],
    [1_767_323_045_123, at + 123_000],
    [1_767_323_045_123_456, at + 123_456],
    [Number("1767323045123456700"), at + 123_456]
  ])("reads %s", (value, expected) => {
    assert.strictEqual(Timestamp.micros(value), expected)
  })

  it.each([
    undefined,
    null,
    "",
    "now",
    "2026-01-02",
    "0001-01-01T00:00:00Z",
    "2026-13-40T00:00:00Z",
    0,
    -1,
    Number.NaN,
    1e300,
    {},
    true
  ])(
    "says nothing for %j",
    (value) => {
      assert.strictEqual(Timestamp.micros(value), undefined)
    }
  )

  it.effect.prop(
    "reads back to the microsecond what it writes",
    [Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4_102_444_800_000_000 }))],
    ([micros]) =>
      Effect.sync(() => {
        assert.strictEqual(Timestamp.micros(Timestamp.format(micros)), micros)
        assert.strictEqual(Timestamp.fromNanos(BigInt(micros) * 1000n + 999n), micros)
      })
  )

  it("clamps unsigned counters to what a signed column holds", () => {
    assert.strictEqual(Timestamp.clampInt8(2n ** 64n - 1n), 2n ** 63n - 1n)
    assert.strictEqual(Timestamp.clampInt8(5n), 5n)
  })
})
