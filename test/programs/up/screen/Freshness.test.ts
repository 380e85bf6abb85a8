import { assert, describe, it } from "@effect/vitest"
import { DateTime, Result, Schema } from "effect"
import { ServiceState } from "../../../../src/domain/monitoring/reports/ServiceState.ts"
import * as PollerConfig from "../../../../src/domain/poller/PollerConfig.ts"
import * as Freshness from "../../../../src/programs/up/screen/Freshness.ts"

describe("Freshness", () => {
  it("counts three intervals of the check itself, or of the poller", () => {
    const config = PollerConfig.fromFile(Result.getOrThrow(
      Schema.decodeUnknownResult(PollerConfig.PollerConfigFile)({
        poller_id: "p",
        core_address: "127.0.0.1:1",
        listen_addr: "127.0.0.1:2",
        partition: "default",
        source_ip: "127.0.0.1",
        poll_interval: "2s",
        agents: {
          a: {
            address: "127.0.0.1:3",
            checks: [
              { service_type: "port", service_name: "often", details: "127.0.0.1:1" },
              { service_type: "icmp", service_name: "seldom", details: "127.0.0.1", interval: "10s" }
            ]
          }
        }
      })
    ))
    const reported = 1_700_000_000_000
    const state = (serviceType: string, serviceName: string) =>
      Result.getOrThrow(
        Schema.decodeUnknownResult(ServiceState)({
          pollerId: "p",
          agentId: "a",
          partition: "default",
          serviceType,
          serviceName,
          available: true,
          responseTimeNanos: 1,
          message: "{}",
          reportedAt: DateTime.formatIso(DateTime.makeUnsafe(reported)),
          sourceIp: "127.0.0.1",
          source: "",
          kvStoreId: "",
          lastChangeAt: DateTime.formatIso(DateTime.makeUnsafe(reported)),
          firstSeenAt: DateTime.formatIso(DateTime.makeUnsafe(reported))
        })
      )
    const isStale = (one: ServiceState, afterMillis: number) =>
      Freshness.isStale({ nowMillis: reported + afterMillis, staleAfter: Freshness.staleAfter(config) }, one)

    assert.deepStrictEqual([8_000, 8_001].map((after) => isStale(state("port", "often"), after)), [false, true])
    assert.deepStrictEqual([32_000, 32_001].map((after) => isStale(state("icmp", "seldom"), after)), [false, true])
    assert.isTrue(isStale(state("icmp", "seldom"), -32_001))
  })
})
