import { assert, describe, it } from "@effect/vitest"
import type { JsonObject } from "../../../../../src/domain/events/decode/Json.ts"
import * as GoEvent from "../../../../../src/domain/events/mapping/goform/GoEvent.ts"
import { context, storedAtMicros } from "../../context.ts"

const timeOf = (payload: JsonObject, envelope?: JsonObject) =>
  GoEvent.map(envelope ?? payload, payload, "{}", context("events.syslog.processed"), 0).event_timestamp

const day = 86_400_000_000

describe("GoEvent", () => {
  it.each([
    ["seconds with a fraction, less what Go loses", (storedAtMicros - day) / 1e6, storedAtMicros - day - 1],
    ["milliseconds", (storedAtMicros - day) / 1e3, storedAtMicros - day],
    ["a date", "2026-01-02T03:04:05.123456Z", 1_767_323_045_123_456],
    ["a date in a far year", "2111-06-01T00:00:00Z", Date.parse("2111-06-01T00:00:00Z") * 1_000],
    ["a device without a clock", 12, storedAtMicros],
    ["seconds that would be in another century", 9_000_000_000, storedAtMicros],
    ["microseconds that would be", "9007199254740993", storedAtMicros],
    ["a date that is none", "2026-02-30T00:00:00Z", storedAtMicros]
  ])("stores %s (%s) where it can be believed, else as it was received", (_, timestamp, micros) => {
    assert.strictEqual(timeOf({ timestamp }), micros)
  })

  it("takes the envelope's time for one of the payload that cannot be", () => {
    const envelope = { specversion: "1.0", id: "1", time: "2026-01-02T03:04:05Z" }

    assert.strictEqual(timeOf({ timestamp: 9_000_000_000 }, envelope), 1_767_323_045_000_000)
  })
})
