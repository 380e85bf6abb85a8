import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as ProbeResult from "../../../../src/domain/monitoring/checks/ProbeResult.ts"

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

  it("spells the keys of a running process as the Go agent", () => {
    assert.strictEqual(
      ProbeResult.processActive("nginx", { agentId: "a", pollerId: "p" }, 1n).message,
      "{\"status\":\"active\",\"process_name\":\"nginx\",\"active\":true,\"agent_id\":\"a\",\"poller_id\":\"p\"}"
    )
  })

  it("is unavailable when every echo request is lost", () => {
    const result = ProbeResult.pinged("192.0.2.1", "192.0.2.1", { roundTripNanos: 0n, packetLoss: 100 })

    assert.deepStrictEqual(result, {
      available: false,
      responseTimeNanos: 0n,
      message: "{\"host\":\"192.0.2.1\",\"response_time\":0,\"packet_loss\":100,\"available\":false}"
    })
  })

  it("says which address a name stood for", () => {
    assert.include(ProbeResult.portOpen({ host: "db", port: 1 }, "::1", 1n).message, "\"address\":\"::1\"")
    assert.include(
      ProbeResult.pinged("db", "192.0.2.1", { roundTripNanos: 1n, packetLoss: 0 }).message,
      "\"address\":\"192.0.2.1\""
    )
  })

  it("names the device when the agent answers for its own host", () => {
    const result = ProbeResult.pinged("127.0.0.1", "127.0.0.1", { roundTripNanos: 5n, packetLoss: 0 }, {
      agentId: "a",
      pollerId: "p",
      deviceId: "default:192.0.2.2"
    })

    assert.include(result.message, "\"agent_id\":\"a\",\"poller_id\":\"p\",\"device_id\":\"default:192.0.2.2\"")
  })
})
