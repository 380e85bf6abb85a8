/** Flows in JSON: the plain form of the exporters, and OCSF network activity. */
import type { Result } from "effect"
import { Schema } from "effect"
import * as Address from "../../decode/Address.ts"
import type { Problem } from "../../decode/DecodeError.ts"
import { type JsonObject, objectOf } from "../../decode/Json.ts"
import * as Payload from "../../decode/Payload.ts"
import * as Scalar from "../../decode/Scalar.ts"
import * as Timestamp from "../../decode/Timestamp.ts"
import type { Flow } from "./Flow.ts"
import * as FlowValues from "./FlowValues.ts"

const { json, scalar } = Payload

const Plain = Schema.Struct({
  timestamp: scalar,
  start_time: scalar,
  end_time: scalar,
  src_addr: scalar,
  dst_addr: scalar,
  src_port: scalar,
  dst_port: scalar,
  protocol: scalar,
  protocol_name: scalar,
  packets: scalar,
  octets: scalar,
  bytes_in: scalar,
  bytes_out: scalar,
  packets_in: scalar,
  packets_out: scalar,
  sampler_address: scalar,
  input_snmp: scalar,
  output_snmp: scalar,
  tcp_flags: json,
  src_as: scalar,
  dst_as: scalar,
  src_mac: scalar,
  dst_mac: scalar,
  flow_source: scalar,
  flow_direction: scalar,
  gateway_id: scalar,
  agent_id: scalar,
  device_id: scalar,
  partition: scalar,
  metadata: json
})

/**
 * Those of the exporters, those of the wire contract in JSON, and in capitals those of goflow2's first version; then those
 * of pmacct (`ip_src`), of VPC flow logs (`srcaddr`) and of nfdump (`src4_addr`).
 */
const spellings = {
  timestamp: ["time_received_ns", "time_received", "TimeReceivedNs", "TimeReceived"],
  start_time: [
    "time_flow_start_ns",
    "time_flow_start",
    "TimeFlowStartNs",
    "TimeFlowStartMs",
    "TimeFlowStart",
    "timestamp_start",
    "start",
    "first"
  ],
  end_time: [
    "time_flow_end_ns",
    "time_flow_end",
    "TimeFlowEndNs",
    "TimeFlowEndMs",
    "TimeFlowEnd",
    "timestamp_end",
    "end",
    "last"
  ],
  src_addr: ["source_address", "SrcAddr", "ip_src", "srcaddr", "src4_addr", "src6_addr"],
  dst_addr: ["destination_address", "DstAddr", "ip_dst", "dstaddr", "dst4_addr", "dst6_addr"],
  src_port: ["source_port", "SrcPort", "port_src", "srcport"],
  dst_port: ["destination_port", "DstPort", "port_dst", "dstport"],
  src_mac: ["source_mac", "SrcMac", "mac_src"],
  dst_mac: ["destination_mac", "DstMac", "mac_dst"],
  protocol: ["proto", "Proto", "ip_proto"],
  protocol_name: ["ProtoName"],
  packets: ["Packets", "in_packets"],
  octets: ["bytes", "Bytes", "in_bytes"],
  sampler_address: ["SamplerAddress", "peer_ip_src"],
  input_snmp: ["in_if", "InIf", "iface_in"],
  output_snmp: ["out_if", "OutIf", "iface_out"],
  tcp_flags: ["TCPFlags"],
  src_as: ["SrcAS", "as_src"],
  dst_as: ["DstAS", "as_dst"],
  flow_direction: ["FlowDirection"],
  gateway_id: ["poller_id"]
}

const readPlain = Payload.make(Plain, spellings)

const known: ReadonlySet<string> = new Set(
  [...Object.keys(Plain.fields), ...Object.values(spellings).flat()].flatMap((key) => [key, Payload.camel(key)])
)

type Value = typeof Scalar.Scalar.Type | undefined

const micros = (value: Value): number | null => Timestamp.micros(value) ?? null

const sourceOf = (named: Value, type: unknown, subject: string): string => {
  const text = Scalar.text(named)
  if (text !== null && text !== "") return text
  return FlowValues.source(type) ?? (subject.includes("sflow") ? "sFlow v5" : "Unknown")
}

const times = ["timestamp", "start_time", "end_time"] as const

type PlainFlow = typeof Plain.Type

/** What has no column, and times that cannot be read. */
const rest = (object: JsonObject, flow: PlainFlow): JsonObject => {
  const { metadata } = flow
  const unread = times.filter((key) => !Scalar.isUnset(flow[key]) && flow[key] !== 0 && micros(flow[key]) === null)
  return Object.fromEntries([
    ...Object.entries(object).filter(([key]) => !known.has(key)),
    ...unread.map((key) => [key, flow[key]] as const),
    ...Object.entries(objectOf(metadata) ?? (metadata === undefined || metadata === null ? {} : { metadata }))
  ])
}

const plain = (object: JsonObject, subject: string): Result.Result<Flow, Problem> =>
  readPlain(object, (flow, reading) => {
    const protocol = FlowValues.protocol(reading, "protocol", flow.protocol)
    return {
      receivedAt: micros(flow.timestamp),
      startedAt: micros(flow.start_time),
      endedAt: micros(flow.end_time),
      srcIp: FlowValues.ip(reading, "src_addr", flow.src_addr),
      dstIp: FlowValues.ip(reading, "dst_addr", flow.dst_addr),
      samplerIp: FlowValues.ip(reading, "sampler_address", flow.sampler_address),
      srcPort: FlowValues.port(reading, "src_port", flow.src_port),
      dstPort: FlowValues.port(reading, "dst_port", flow.dst_port),
      protocol: protocol.number,
      protocolName: Scalar.text(flow.protocol_name) ?? protocol.word,
      tcpFlags: FlowValues.tcpFlags(reading, "tcp_flags", flow.tcp_flags),
      srcAs: FlowValues.asNumber(reading, "src_as", flow.src_as),
      dstAs: FlowValues.asNumber(reading, "dst_as", flow.dst_as),
      bytes: reading.count("octets", flow.octets),
      packets: reading.count("packets", flow.packets),
      bytesIn: reading.count("bytes_in", flow.bytes_in),
      bytesOut: reading.count("bytes_out", flow.bytes_out),
      packetsIn: reading.count("packets_in", flow.packets_in),
      packetsOut: reading.count("packets_out", flow.packets_out),
      inputSnmp: FlowValues.unsigned32(reading, "input_snmp", flow.input_snmp),
      outputSnmp: FlowValues.unsigned32(reading, "output_snmp", flow.output_snmp),
      srcMac: FlowValues.mac(reading, "src_mac", flow.src_mac),
      dstMac: FlowValues.mac(reading, "dst_mac", flow.dst_mac),
      source: sourceOf(flow.flow_source, object["type"] ?? object["Type"], subject),
      direction: Scalar.text(flow.flow_direction),
      gatewayId: Scalar.text(flow.gateway_id),
      agentId: Scalar.text(flow.agent_id),
      deviceId: Scalar.text(flow.device_id),
      partition: Scalar.text(flow.partition),
      unmapped: rest(object, flow)
    }
  })

const nested = <const F extends Schema.Struct.Fields>(fields: F) =>
  Schema.optionalKey(Schema.NullOr(Schema.Struct(fields)))

const Endpoint = nested({ ip: scalar, port: scalar, mac: scalar, autonomous_system: nested({ number: scalar }) })

const readOcsf = Payload.make(Schema.Struct({
  time: Schema.Union([Schema.Finite, Schema.String]),
  start_time: scalar,
  end_time: scalar,
  src_endpoint: Endpoint,
  dst_endpoint: Endpoint,
  connection_info: nested({ protocol_num: scalar, protocol_name: scalar, tcp_flags: json, direction: scalar }),
  traffic: nested({
    bytes: scalar,
    packets: scalar,
    bytes_in: scalar,
    bytes_out: scalar,
    packets_in: scalar,
    packets_out: scalar
  }),
  observables: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.Struct({ value: scalar, name: scalar })))),
  partition: scalar
}))

const ocsf = (object: JsonObject): Result.Result<Flow, Problem> =>
  readOcsf(object, (flow, reading) => {
    const { connection_info: connection, dst_endpoint: dst, src_endpoint: src, traffic } = flow
    const protocol = FlowValues.protocol(reading, "connection_info", connection?.protocol_num)
    const sampler = flow.observables?.[0]?.value ?? flow.observables?.[0]?.name
    return {
      receivedAt: micros(flow.time),
      startedAt: micros(flow.start_time),
      endedAt: micros(flow.end_time),
      srcIp: FlowValues.ip(reading, "src_endpoint", src?.ip),
      dstIp: FlowValues.ip(reading, "dst_endpoint", dst?.ip),
      // Observables can be anything; the whole event keeps them.
      samplerIp: typeof sampler === "string" ? Address.inText(sampler) ?? null : null,
      srcPort: FlowValues.port(reading, "src_endpoint", src?.port),
      dstPort: FlowValues.port(reading, "dst_endpoint", dst?.port),
      protocol: protocol.number,
      protocolName: Scalar.text(connection?.protocol_name) ?? protocol.word,
      tcpFlags: FlowValues.tcpFlags(reading, "connection_info", connection?.tcp_flags),
      srcAs: FlowValues.asNumber(reading, "src_endpoint", src?.autonomous_system?.number),
      dstAs: FlowValues.asNumber(reading, "dst_endpoint", dst?.autonomous_system?.number),
      bytes: reading.count("traffic", traffic?.bytes),
      packets: reading.count("traffic", traffic?.packets),
      bytesIn: reading.count("traffic", traffic?.bytes_in),
      bytesOut: reading.count("traffic", traffic?.bytes_out),
      packetsIn: reading.count("traffic", traffic?.packets_in),
      packetsOut: reading.count("traffic", traffic?.packets_out),
      inputSnmp: null,
      outputSnmp: null,
      srcMac: FlowValues.mac(reading, "src_endpoint", src?.mac),
      dstMac: FlowValues.mac(reading, "dst_endpoint", dst?.mac),
      source: "Unknown",
      direction: Scalar.text(connection?.direction),
      gatewayId: null,
      agentId: null,
      deviceId: null,
      partition: Scalar.text(flow.partition),
      // The whole event, so that the document in the row loses nothing.
      unmapped: object
    }
  })

export const read = (object: JsonObject, subject: string): Result.Result<Flow, Problem> =>
  object["class_uid"] === undefined && object["src_endpoint"] === undefined ? plain(object, subject) : ocsf(object)
