import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as FlowDocument from "../../../../../src/domain/events/mapping/flows/FlowDocument.ts"

const orNull = <A>(value: fc.Arbitrary<A>) => fc.option(value, { nil: null })
const text = fc.string({ unit: "binary", maxLength: 12 })
const micros = orNull(fc.integer({ min: 1_600_000_000_000_000, max: 1_800_000_000_000_000 }))
const port = orNull(fc.nat(0xffff))
const as = orNull(fc.bigInt({ min: 1n, max: 2n ** 32n - 1n }))
const counter = orNull(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))

const flow = fc.record({
  receivedAt: fc.constant(null),
  startedAt: micros,
  endedAt: micros,
  srcIp: orNull(fc.ipV4()),
  dstIp: orNull(fc.ipV6()),
  samplerIp: orNull(text),
  srcPort: port,
  dstPort: port,
  protocol: orNull(fc.nat(0xff)),
  protocolName: orNull(text),
  tcpFlags: port,
  srcAs: as,
  dstAs: as,
  bytes: counter,
  packets: counter,
  bytesIn: counter,
  bytesOut: counter,
  packetsIn: counter,
  packetsOut: counter,
  inputSnmp: port,
  outputSnmp: port,
  srcMac: orNull(text),
  dstMac: orNull(text),
  source: text,
  direction: orNull(text),
  gatewayId: fc.constant(null),
  agentId: fc.constant(null),
  deviceId: fc.constant(null),
  partition: fc.constant(null),
  unmapped: fc.dictionary(text, fc.jsonValue())
})

const count = (value: bigint | null) =>
  value === null ? undefined : value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value)
const millis = (value: number | null) => value === null ? undefined : Math.floor(value / 1000)
const endpoint = (ip: string | null, mac: string | null, port: number | null, as: bigint | null) => ({
  ip: ip ?? undefined,
  mac: mac ?? undefined,
  port: port ?? undefined,
  autonomous_system: as === null ? undefined : { number: Number(as) }
})

describe("FlowDocument", () => {
  it("is what JSON.stringify makes of the same event, whatever is in its texts", () => {
    fc.assert(fc.property(flow, text, orNull(text), (given, subject, protocol) => {
      const document = new FlowDocument.FlowDocument(given, 1_700_000_000_123_456, subject, {
        protocol,
        direction: "ingress"
      })
      const written = document.toText()
      const message = Object(JSON.parse(written)).message
      assert.strictEqual(
        written,
        JSON.stringify({
          time: 1_700_000_000_123,
          message,
          traffic: {
            bytes: count(given.bytes ?? 0n),
            packets: count(given.packets ?? 0n),
            bytes_in: count(given.bytesIn),
            bytes_out: count(given.bytesOut),
            packets_in: count(given.packetsIn),
            packets_out: count(given.packetsOut)
          },
          end_time: millis(given.endedAt),
          metadata: { version: "1.7.0", flow_source: given.source, correlation_uid: subject },
          severity: "Informational",
          type_uid: 400_106,
          unmapped: given.unmapped,
          class_uid: 4001,
          start_time: millis(given.startedAt),
          activity_id: 6,
          flow_source: given.source,
          observables: given.samplerIp === null
            ? undefined
            : [{ name: given.samplerIp, type: "IP Address", type_id: 2 }],
          severity_id: 1,
          category_uid: 4,
          dst_endpoint: endpoint(given.dstIp, given.dstMac, given.dstPort, given.dstAs),
          protocol_num: given.protocol ?? undefined,
          src_endpoint: endpoint(given.srcIp, given.srcMac, given.srcPort, given.srcAs),
          connection_info: {
            direction: "ingress",
            tcp_flags: given.tcpFlags ?? undefined,
            input_snmp: given.inputSnmp ?? undefined,
            output_snmp: given.outputSnmp ?? undefined,
            protocol_num: given.protocol ?? undefined,
            protocol_name: protocol ?? undefined
          },
          sampler_address: given.samplerIp ?? undefined
        })
      )
      assert.deepStrictEqual(document.toJSON(), JSON.parse(written))
    }))
  })
})
