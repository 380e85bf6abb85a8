import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import * as Flow from "../../../../../src/domain/events/mapping/flows/Flow.ts"
import * as FlowJson from "../../../../../src/domain/events/mapping/flows/FlowJson.ts"
import * as FlowMapping from "../../../../../src/domain/events/mapping/flows/FlowMapping.ts"
import { jsonText } from "../../../../../src/domain/events/rows/Table.ts"
import { context, storedAtMicros } from "../../context.ts"

const here = context("netflow.v9")
const flowOf = (object: Readonly<Record<string, unknown>>) => Result.getOrThrow(FlowJson.read(object, here.subject))

const seen = {
  timestamp: 1_767_323_045,
  sourceAddress: "10.0.0.1",
  dst_addr: "2001:db8::1",
  srcPort: "51000",
  dst_port: 443,
  protocol: 6,
  packets: 10,
  bytes: "9007199254740993",
  samplerAddress: "10.0.0.254",
  flow_direction: "Inbound",
  tcp_flags: 0x12,
  src_mac: "0a:bb:cc:dd:ee:ff",
  poller_id: "p",
  metadata: { m: 1 },
  vlan: 7
}

describe("Flow", () => {
  it("becomes a network activity with labels", () => {
    const row = FlowMapping.toNetworkActivity(flowOf(seen), here, 3)

    assert.deepInclude(row, {
      tenant_id: "acme",
      ingest_id: "id-3",
      time: 1_767_323_045_000_000,
      class_uid: 4001,
      type_uid: 400_106,
      src_endpoint_ip: "10.0.0.1",
      src_endpoint_port: 51_000,
      dst_endpoint_ip: "2001:db8::1",
      protocol_num: 6,
      protocol_name: "TCP",
      protocol_source: "iana",
      tcp_flags: 0x12,
      tcp_flags_labels: ["ACK", "SYN"],
      dst_service_label: "HTTPS",
      bytes_total: 9_007_199_254_740_993n,
      packets_total: 10n,
      bytes_in: 0n,
      packets_in: 0n,
      direction_label: "ingress",
      src_mac: "0ABBCCDDEEFF",
      sampler_address: "10.0.0.254",
      partition: "default"
    })
    assert.deepInclude(JSON.parse(jsonText(row.ocsf_payload)), {
      class_uid: 4001,
      traffic: { bytes: "9007199254740993", packets: 10 },
      unmapped: { vlan: 7, m: 1 }
    })
  })

  it("becomes a row of the older table", () => {
    assert.deepStrictEqual(FlowMapping.toNetflowMetric(flowOf(seen), here, 0), {
      tenant_id: "acme",
      ingest_id: "id-0",
      timestamp: 1_767_323_045_000_000,
      poller_id: "p",
      agent_id: "",
      device_id: "",
      flow_direction: "Inbound",
      src_addr: "10.0.0.1",
      dst_addr: "2001:db8::1",
      src_port: 51_000,
      dst_port: 443,
      protocol: 6,
      packets: 10n,
      octets: 9_007_199_254_740_993n,
      sampler_address: "10.0.0.254",
      input_snmp: 0,
      output_snmp: 0,
      metadata: `{"vlan":7,"m":1}`
    })
  })

  it("takes OCSF apart, and insists on its time", () => {
    const ocsf = {
      time: 1_767_323_045_000,
      src_endpoint: { ip: "10.0.0.1", port: 5, autonomous_system: { number: 4_200_000_001 } },
      traffic: { bytes_in: 1, bytes_out: 2 },
      observables: [{ name: "sampler", value: "10.0.0.254" }]
    }

    assert.deepInclude(FlowMapping.toNetworkActivity(flowOf(ocsf), here, 0), {
      time: 1_767_323_045_000_000,
      src_as_number: null,
      direction_label: "bidirectional",
      sampler_address: "10.0.0.254"
    })
    assert.deepInclude(JSON.parse(jsonText(FlowMapping.toNetworkActivity(flowOf(ocsf), here, 0).ocsf_payload)), {
      src_endpoint: { ip: "10.0.0.1", port: 5, autonomous_system: { number: 4_200_000_001 } }
    })
    assert.deepStrictEqual(
      Result.mapError(FlowJson.read({ src_endpoint: {} }, "netflow"), ({ path }) => path),
      Result.fail(["time"])
    )
  })

  it("happened when it ended, else when it was received, else when it began, else when it was stored", () => {
    const timeOf = (object: Readonly<Record<string, unknown>>) =>
      FlowMapping.toNetworkActivity(flowOf(object), here, 0).time

    const [first, second, third] = [1_700_000_001, 1_700_000_002, 1_700_000_003]

    assert.strictEqual(timeOf({ end_time: third, timestamp: second, start_time: first }), third * 1e6)
    assert.strictEqual(timeOf({ timestamp: second, start_time: first }), second * 1e6)
    assert.strictEqual(timeOf({ start_time: first }), first * 1e6)
    assert.strictEqual(timeOf({ end_time: 3, timestamp: second }), second * 1e6)
    assert.strictEqual(timeOf({ end_time: 3 }), storedAtMicros)
    assert.strictEqual(timeOf({}), storedAtMicros)
  })

  it.each([
    ["egress", null, null, "egress"],
    ["in", 0n, 5n, "ingress"],
    [null, 1n, 1n, "bidirectional"],
    [null, 1n, 0n, "ingress"],
    [null, null, 1n, "egress"],
    [null, null, null, "unknown"],
    ["toString", null, null, "unknown"]
  ])("goes, by %s with %s in and %s out, %s", (direction, bytesIn, bytesOut, expected) => {
    assert.strictEqual(Flow.direction({ ...flowOf({}), direction, bytesIn, bytesOut }), expected)
  })

  it.effect.prop(
    "has one label for each TCP flag",
    [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))],
    ([flags]) =>
      Effect.sync(() => {
        const bits: Readonly<Record<string, number>> = {
          CWR: 128,
          ECE: 64,
          URG: 32,
          ACK: 16,
          PSH: 8,
          RST: 4,
          SYN: 2,
          FIN: 1
        }
        const sum = Flow.tcpFlagLabels(flags).reduce((total, label) => total + (bits[label] ?? 0), 0)
        assert.strictEqual(sum, flags)
      })
  )
})
