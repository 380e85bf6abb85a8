import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as CloudEvent from "../../../../../src/domain/events/decode/CloudEvent.ts"
import * as SweepMapping from "../../../../../src/domain/events/mapping/measurements/SweepMapping.ts"
import { context, storedAtMicros } from "../../context.ts"

const here = context("sweep.results")

describe("SweepMapping", () => {
  it("keeps ports, results and what has no column", () => {
    assert.deepStrictEqual(
      SweepMapping.map(
        CloudEvent.element({
          ip: "10.0.0.5",
          gatewayId: "gw-1",
          agentId: "a",
          icmpAvailable: true,
          icmp_response_time_ns: 1_500_000,
          icmp_packet_loss: "0.5",
          tcpPortsOpen: [80, "443"],
          tcp_ports_scanned: [],
          port_scan_results: [{ port: 80, available: true }],
          lastSweepTime: "2026-01-02T03:04:05Z",
          metadata: { m: 1 },
          executionId: "e-1",
          vendor: "acme"
        }, undefined),
        here
      ),
      Result.succeed({
        tenant_id: "acme",
        host_ip: "10.0.0.5",
        poller_id: "gw-1",
        agent_id: "a",
        partition: "default",
        network_cidr: null,
        hostname: null,
        mac: null,
        icmp_available: true,
        icmp_response_time_ns: 1_500_000n,
        icmp_packet_loss: 0.5,
        tcp_ports_scanned: null,
        tcp_ports_open: "[80,443]",
        port_scan_results: `[{"port":80,"available":true}]`,
        last_sweep_time: 1_767_323_045_000_000,
        first_seen: storedAtMicros,
        metadata: `{"vendor":"acme","execution_id":"e-1","m":1}`
      })
    )
  })

  it.each(["1970-01-01T00:00:12Z", "17960312630", "2026-02-30T00:00:00Z"])(
    "takes %s for no time at which a host was first seen, and keeps it",
    (claim) => {
      const mapped = SweepMapping.map(
        CloudEvent.element(
          { host_ip: "10.0.0.5", first_seen: claim, last_sweep_time: "2026-01-02T03:04:05Z" },
          undefined
        ),
        here
      )

      assert.deepInclude(Result.getOrThrow(mapped), {
        first_seen: storedAtMicros,
        metadata: JSON.stringify({ first_seen: claim })
      })
    }
  )

  it.each([[{}, "host_ip"], [{ host_ip: "" }, "host_ip"], [{ ip: 5 }, "ip"]])(
    "refuses %j: a host without an address",
    (object, key) => {
      const mapped = SweepMapping.map(CloudEvent.element(object, undefined), here)

      assert.deepStrictEqual(Result.isFailure(mapped) && mapped.failure.path, [key])
    }
  )
})
