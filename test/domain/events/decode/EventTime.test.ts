import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as EventTime from "../../../../src/domain/events/decode/EventTime.ts"
import * as Timestamp from "../../../../src/domain/events/decode/Timestamp.ts"

/** 2026-11-28T22:00:00Z. */
const receivedAt = 1_795_903_200_000_000

describe("EventTime", () => {
  it("believes every moment from 2001-09-09 to ten years ahead, in every unit and form, to the microsecond", () => {
    const micros = fc.integer({ min: EventTime.earliest + 1_000_000, max: receivedAt + 9 * 31_557_600_000_000 })
    fc.assert(fc.property(micros, fc.integer({ min: 0, max: 999 }), (micros, nanos) => {
      const text = Timestamp.format(micros)
      const forms = [
        text,
        text.replace("T", " ").replace("Z", "+00"),
        text.replace("Z", `${String(nanos).padStart(3, "0")}+00:00`),
        text.replaceAll("-", "").replaceAll(":", ""),
        text.replace("Z", " +0000 UTC"),
        micros,
        String(micros),
        `${micros}${String(nanos).padStart(3, "0")}`,
        BigInt(micros) * 1000n + BigInt(nanos),
        `${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, "0")}`,
        `${Math.floor(micros / 1e3)}.${String(micros % 1e3).padStart(3, "0")}`
      ]
      for (const form of forms) {
        assert.deepStrictEqual(EventTime.first(receivedAt, form), { micros, claim: undefined }, String(form))
      }
      assert.strictEqual(
        Timestamp.nanos(`${micros}${String(nanos).padStart(3, "0")}`),
        BigInt(micros) * 1000n + BigInt(nanos)
      )
    }))
  })

  it("reads a number of seconds with a fraction by the digits that it was written with", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1_000_000_001, max: 2_000_000_000 }),
        fc.integer({ min: 0, max: 999_999 }),
        (seconds, fraction) => {
          const written = Number(`${seconds}.${String(fraction).padStart(6, "0")}`)
          assert.strictEqual(Timestamp.micros(written), seconds * 1e6 + fraction)
        }
      )
    )
  })

  it.each([
    "1970-01-01T00:01:12Z",
    "1999-12-31T23:59:59Z",
    72,
    946_684_799,
    1_795_901_902_992_000_000_0,
    "178000000000",
    "2026-02-30T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "2026-11-28T25:00:00Z",
    "2026-11-28T24:00:01Z",
    "2026-11-28T12:30:60Z",
    "2026-11-28T12:61:00Z",
    "2026-11-28T12:00:00+24:00",
    "2026-11-28 20:38:22",
    "2026-11-28",
    "yesterday",
    "Nov 28 20:38:22",
    -5
  ])("keeps the claim %j and takes the time of receipt", (value) => {
    assert.deepStrictEqual(EventTime.first(receivedAt, value), { micros: receivedAt, claim: String(value) })
  })

  it.each([undefined, null, "", 0, "0", 0n, "0001-01-01T00:00:00Z", false])("takes %s for nothing said", (value) => {
    assert.deepStrictEqual(EventTime.first(receivedAt, value), { micros: receivedAt, claim: undefined })
  })

  it("passes over what cannot be for what can, and keeps the claim all the same", () => {
    assert.deepStrictEqual(EventTime.first(receivedAt, "no time", undefined, 1_795_903_000), {
      micros: 1_795_903_000_000_000,
      claim: "no time"
    })
  })

  it("believes a date that is written out, however late", () => {
    assert.strictEqual(EventTime.first(receivedAt, "2111-06-01T00:00:00Z").claim, undefined)
  })

  it.each([
    ["2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"],
    ["2017-01-01T08:59:60+09:00", "2017-01-01T00:00:00Z"],
    ["2026-11-28T24:00:00Z", "2026-11-29T00:00:00Z"],
    ["2026-11-28T20:38Z", "2026-11-28T20:38:00Z"],
    ["20261128T203822Z", "2026-11-28T20:38:22Z"],
    ["2026-11-28T20:38:22−05:00", "2026-11-29T01:38:22Z"],
    ["2024-02-29T00:00:00.5+0130", "2024-02-28T22:30:00.500Z"],
    ["2026-11-28 20:38:22.992 +0000 UTC m=+0.5", "2026-11-28T20:38:22.992Z"]
  ])("reads %s as %s", (text, same) => {
    assert.strictEqual(Timestamp.micros(text), Date.parse(same) * 1000)
  })
})
