import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { AgentId, Partition, PollerId, ServiceName, ServiceType } from "../../../../src/domain/monitoring/Ids.ts"
import type { ServiceStatus } from "../../../../src/domain/monitoring/reports/ServiceStatus.ts"
import * as ShadowRecord from "../../../../src/domain/poller/rollout/ShadowRecord.ts"

const status = (message: string): ServiceStatus => ({
  serviceName: ServiceName.make("ssh"),
  serviceType: ServiceType.make("port"),
  available: true,
  message: new TextEncoder().encode(message),
  responseTimeNanos: 5_000_000n,
  agentId: AgentId.make("edge-1"),
  pollerId: PollerId.make("poller-1"),
  partition: Partition.make("default"),
  source: "getStatus",
  kvStoreId: ""
})

describe("A shadow's line", () => {
  it("is one line, and read as it was written", () => {
    const line = ShadowRecord.encode(status("{\"data\":\"two\\nlines\"}"), 1_767_225_600_123)
    assert.strictEqual(line.indexOf("\n"), line.length - 1)
    assert.deepStrictEqual(
      ShadowRecord.decode(line),
      Option.some({
        atMillis: 1_767_225_600_123,
        agentId: "edge-1",
        serviceType: "port",
        serviceName: "ssh",
        available: true,
        responseTimeNanos: 5_000_000,
        source: "getStatus",
        message: Option.some("{\"data\":\"two\\nlines\"}")
      })
    )
  })

  it("tells of a very long message how long it was", () => {
    const line = ShadowRecord.encode(status("x".repeat(ShadowRecord.messageBytesMax + 1)), 0)
    assert.isBelow(line.length, 1_000)
    assert.include(line, "\"message_bytes\":262145")
    assert.deepStrictEqual(Option.map(ShadowRecord.decode(line), ({ message }) => message), Option.some(Option.none()))
  })

  it("is none when it was cut off, or is something else", () => {
    const line = ShadowRecord.encode(status("{}"), 0)
    assert.isTrue(Option.isNone(ShadowRecord.decode(line.slice(0, -20))))
    assert.isTrue(Option.isNone(ShadowRecord.decode("{}")))
  })
})
