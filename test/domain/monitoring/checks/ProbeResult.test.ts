import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as ProbeResult from "../../../../src/domain/monitoring/checks/ProbeResult.ts"

/** The replies to some requests, with their round trips in nanoseconds. */
const ping = (times: ReadonlyArray<number>, sent = times.length): ProbeResult.Ping => ({
  roundTripNanos: BigInt(times[0] ?? 0),
  packetLoss: 100 * (sent - times.length) / sent,
  sent,
  received: times.length,
  roundTripsNanos: times
})

describe("ProbeResult", () => {
  it("is valid JSON whatever an error says", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.deepStrictEqual(JSON.parse(ProbeResult.failed(text).message), JSON.parse(JSON.stringify({ error: text })))
    }))
  })

  it("spells the keys of an open port as the Go agent", () => {
    assert.strictEqual(
      ProbeResult.portOpen({ host: "192.0.2.10", port: 22 }, "192.0.2.10", 812_345n).message,
      "{\"host\":\"192.0.2.10\",\"port\":22,\"response_time\":812345}"
    )
  })

  it("is unavailable when every echo request is lost", () => {
    const result = ProbeResult.pinged("192.0.2.1", "192.0.2.1", ping([], 3))

    assert.deepStrictEqual(result, {
      available: false,
      responseTimeNanos: 0n,
      message: "{\"host\":\"192.0.2.1\",\"response_time\":0,\"packet_loss\":100,\"available\":false,"
        + "\"packets_sent\":3,\"packets_received\":0}"
    })
  })

  it("tells shortest and longest round trip, and how far they are apart", () => {
    assert.include(
      ProbeResult.pinged("192.0.2.1", "192.0.2.1", ping([100, 400, 100, 200])).message,
      "\"round_trip_min\":100,\"round_trip_max\":400,\"round_trip_deviation\":100"
    )
  })

  it("says which address a name stood for", () => {
    assert.include(ProbeResult.portOpen({ host: "db", port: 1 }, "::1", 1n).message, "\"address\":\"::1\"")
    assert.include(
      ProbeResult.pinged("db", "192.0.2.1", ping([1])).message,
      "\"address\":\"192.0.2.1\""
    )
  })

  it("names the device when the agent answers for its own host", () => {
    const result = ProbeResult.pinged("127.0.0.1", "127.0.0.1", ping([5]), {
      agentId: "a",
      pollerId: "p",
      deviceId: "default:192.0.2.2"
    })

    assert.include(result.message, "\"agent_id\":\"a\",\"poller_id\":\"p\",\"device_id\":\"default:192.0.2.2\"")
  })
})
