import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import type { PastStatus } from "../../../src/domain/core/PastStatus.ts"
import { AgentId, Partition, PollerId, ServiceName, ServiceType } from "../../../src/domain/monitoring/Ids.ts"
import { points } from "../../../src/domain/v1/ResponsePoints.ts"

const ping = (second: number, responseTimeNanos: number): PastStatus => ({
  partition: Partition.make("default"),
  agentId: AgentId.make("agent-1"),
  serviceType: ServiceType.make("icmp"),
  serviceName: ServiceName.make("ping"),
  pollerId: PollerId.make("poller-1"),
  available: responseTimeNanos > 0,
  responseTimeNanos,
  message: "{\"host\":\"192.0.2.1\"}",
  reportedAt: DateTime.makeUnsafe(second * 1_000)
})

describe("ResponsePoints", () => {
  it("begin with the oldest, and leave out pings that nobody has answered", () => {
    const seen = points([ping(30, 900), ping(20, 0), ping(10, 700)])

    assert.deepStrictEqual(seen.map((point) => point.response_time), [700, 900])
    assert.deepStrictEqual(seen.map((point) => point.timestamp), [
      "1970-01-01T00:00:10.000Z",
      "1970-01-01T00:00:30.000Z"
    ])
  })
})
