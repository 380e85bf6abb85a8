import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as TimeRange from "../../../../src/domain/srql/language/TimeRange.ts"

const at = { start: 0, end: 0 }
const now = Date.parse("2026-03-05T12:30:00.250Z")
const resolve = (text: string) =>
  Result.flatMap(TimeRange.parse(text, at), (filter) => TimeRange.resolve(filter, now, at))

const dayBefore = { start: "2026-03-04T12:30:00.250Z", end: "2026-03-05T12:30:00.250Z" }

describe("TimeRange", () => {
  it.each(["last_24h", "last24h", "24h", "LAST-24-H", "last 24 hours", "1d", "1440mins"])(
    "takes %s for a day",
    (text) => {
      assert.deepStrictEqual(Result.getOrThrow(resolve(text)), dayBefore)
    }
  )

  it.each([
    ["today", "2026-03-05T00:00:00Z", "2026-03-05T12:30:00.250Z"],
    ["Yesterday", "2026-03-04T00:00:00Z", "2026-03-05T00:00:00Z"],
    ["0h", "2026-03-05T12:30:00.250Z", "2026-03-05T12:30:00.250Z"],
    ["[2026-03-01 00:00:00,]", "2026-03-01T00:00:00Z", "2026-03-05T12:30:00.250Z"],
    ["[,2026-03-01 00:00:00]", "2025-12-01T00:00:00Z", "2026-03-01T00:00:00Z"],
    ["[2026-03-01T00:00:00.123456+01:00,2026-03-01 00:00:00]", "2026-02-28T23:00:00.123456Z", "2026-03-01T00:00:00Z"],
    ["[2025-12-01 00:00:00,2026-03-01 00:00:00]", "2025-12-01T00:00:00Z", "2026-03-01T00:00:00Z"],
    ["[,0001-01-02 00:00:00]", "0001-01-01T00:00:00Z", "0001-01-02T00:00:00Z"]
  ])("takes %s for %s to %s", (text, start, end) => {
    assert.deepStrictEqual(Result.getOrThrow(resolve(text)), { start, end })
  })

  it.each([
    ["[2026-03-06 00:00:00,]", "time range start must be before end"],
    ["[2026-03-02 00:00:00,2026-03-01 00:00:00]", "time range start must be before end"],
    ["[2025-12-01 00:00:00,2026-03-01T00:00:00.000000001Z]", "time range cannot exceed 90 days"],
    ["[2025-01-01 00:00:00,]", "time range cannot exceed 90 days"],
    ["[2026-02-30 00:00:00,]", "invalid time literal '2026-02-30 00:00:00'"],
    ["[2026-02-03 24:00:00,]", "invalid time literal '2026-02-03 24:00:00'"],
    ["[2026-02-03T00:00:00,]", "invalid time literal '2026-02-03T00:00:00'"],
    ["[0000-01-01T00:00:00Z,]", "invalid time literal '0000-01-01T00:00:00Z'"],
    ["[a,b,c]", "unsupported time token '[a,b,c]'"],
    ["1s", "unsupported time token '1s'"],
    ["last_h", "unsupported time token 'last_h'"]
  ])("refuses %s: %s", (text, detail) => {
    assert.strictEqual(Result.getOrThrow(Result.flip(resolve(text))).detail, detail)
  })
})
