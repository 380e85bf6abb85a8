/** Flows in JSON: the plain form of the exporters, and OCSF network activity. */
import { Result, Schema } from "effect"
import * as Address from "../../decode/Address.ts"
import type { Problem } from "../../decode/DecodeError.ts"
import { isObject, type JsonObject } from "../../decode/Json.ts"
import * as Payload from "../../decode/Payload.ts"
import * as Scalar from "../../decode/Scalar.ts"
import * as Timestamp from "../../decode/Timestamp.ts"
import type { Flow } from "./Flow.ts"

const scalar = Schema.optionalKey(Scalar.Scalar)

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
  tcp_flags: scalar,
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
  metadata: Schema.optionalKey(Schema.Unknown)
})

const spellings = {
  src_addr: ["source_address"],
  dst_addr: ["destination_address"],
  src_port: ["source_port"],
  dst_port: ["destination_port"],
  octets: ["bytes"],
  gateway_id: ["poller_id"]
}

const decodePlain = Payload.make(Plain, spellings)

const known: ReadonlySet<string> = new Set(
  [...Object.keys(Plain.fields), ...Object.values(spellings).flat()].flatMap((key) => [key, Payload.camel(key)])
)

type Value = typeof Scalar.Scalar.Type | undefined

const ip = (value: Value): string | null => {
  const text = Scalar.text(value)
  return text === null ? null : Address.inText(text) ?? null
}

const nonZero = (value: Value): number | null => Scalar.int4(value) || null
const nonZeroBig = (value: Value): bigint | null => Scalar.int8(value) || null
const micros = (value: Value): number | null => Timestamp.micros(value) ?? null

const mac = (value: Value): string | null => {
  const digits = (Scalar.text(value) ?? "").replace(/[:.-]/g, "").toUpperCase()
  return /^[0-9A-F]{12}$/.test(digits) ? digits : null
}

const sourceOf = (named: Value, subject: string): string => {
  const text = Scalar.text(named)
  if (text !== null && text !== "") return text
  return subject.includes("sflow") ? "sFlow v5" : "Unknown"
}

const rest = (object: JsonObject, metadata: unknown): JsonObject =>
  Object.fromEntries([
    ...Object.entries(object).filter(([key]) => !known.has(key)),
    ...(isObject(metadata) ? Object.entries(metadata) : [])
  ])

const plain = (object: JsonObject, subject: string): Result.Result<Flow, Problem> =>
  Result.map(decodePlain(object), (flow) => ({
    receivedAt: micros(flow.timestamp),
    startedAt: micros(flow.start_time),
    endedAt: micros(flow.end_time),
    srcIp: ip(flow.src_addr),
    dstIp: ip(flow.dst_addr),
    samplerIp: ip(flow.sampler_address),
    srcPort: nonZero(flow.src_port),
    dstPort: nonZero(flow.dst_port),
    protocol: nonZero(flow.protocol),
    protocolName: Scalar.text(flow.protocol_name),
    tcpFlags: nonZero(flow.tcp_flags),
    srcAs: nonZeroBig(flow.src_as),
    dstAs: nonZeroBig(flow.dst_as),
    bytes: Scalar.int8(flow.octets),
    packets: Scalar.int8(flow.packets),
    bytesIn: Scalar.int8(flow.bytes_in),
    bytesOut: Scalar.int8(flow.bytes_out),
    packetsIn: Scalar.int8(flow.packets_in),
    packetsOut: Scalar.int8(flow.packets_out),
    inputSnmp: nonZero(flow.input_snmp),
    outputSnmp: nonZero(flow.output_snmp),
    srcMac: mac(flow.src_mac),
    dstMac: mac(flow.dst_mac),
    source: sourceOf(flow.flow_source, subject),
    direction: Scalar.text(flow.flow_direction),
    gatewayId: Scalar.text(flow.gateway_id),
    agentId: Scalar.text(flow.agent_id),
    deviceId: Scalar.text(flow.device_id),
    partition: Scalar.text(flow.partition),
    unmapped: rest(object, flow.metadata)
  }))

const Endpoint = Schema.optionalKey(Schema.Struct({
  ip: scalar,
  port: scalar,
  mac: scalar,
  autonomous_system: Schema.optionalKey(Schema.NullOr(Schema.Struct({ number: scalar })))
}))

const decodeOcsf = Payload.make(Schema.Struct({
  time: Schema.Union([Schema.Finite, Schema.String]),
  start_time: scalar,
  end_time: scalar,
  src_endpoint: Endpoint,
  dst_endpoint: Endpoint,
  connection_info: Schema.optionalKey(
    Schema.Struct({ protocol_num: scalar, protocol_name: scalar, tcp_flags: scalar, direction: scalar })
  ),
  traffic: Schema.optionalKey(
    Schema.Struct({
      bytes: scalar,
      packets: scalar,
      bytes_in: scalar,
      bytes_out: scalar,
      packets_in: scalar,
      packets_out: scalar
    })
  ),
  observables: Schema.optionalKey(Schema.Array(Schema.Struct({ value: scalar, name: scalar }))),
  partition: scalar
}))

const ocsf = (object: JsonObject): Result.Result<Flow, Problem> =>
  Result.map(decodeOcsf(object), (flow) => ({
    receivedAt: micros(flow.time),
    startedAt: micros(flow.start_time),
    endedAt: micros(flow.end_time),
    srcIp: ip(flow.src_endpoint?.ip),
    dstIp: ip(flow.dst_endpoint?.ip),
    samplerIp: ip(flow.observables?.[0]?.value ?? flow.observables?.[0]?.name),
    srcPort: nonZero(flow.src_endpoint?.port),
    dstPort: nonZero(flow.dst_endpoint?.port),
    protocol: nonZero(flow.connection_info?.protocol_num),
    protocolName: Scalar.text(flow.connection_info?.protocol_name),
    tcpFlags: nonZero(flow.connection_info?.tcp_flags),
    srcAs: nonZeroBig(flow.src_endpoint?.autonomous_system?.number),
    dstAs: nonZeroBig(flow.dst_endpoint?.autonomous_system?.number),
    bytes: Scalar.int8(flow.traffic?.bytes),
    packets: Scalar.int8(flow.traffic?.packets),
    bytesIn: Scalar.int8(flow.traffic?.bytes_in),
    bytesOut: Scalar.int8(flow.traffic?.bytes_out),
    packetsIn: Scalar.int8(flow.traffic?.packets_in),
    packetsOut: Scalar.int8(flow.traffic?.packets_out),
    inputSnmp: null,
    outputSnmp: null,
    srcMac: mac(flow.src_endpoint?.mac),
    dstMac: mac(flow.dst_endpoint?.mac),
    source: "Unknown",
    direction: Scalar.text(flow.connection_info?.direction),
    gatewayId: null,
    agentId: null,
    deviceId: null,
    partition: Scalar.text(flow.partition),
    // The whole event, so that the document in the row loses nothing.
    unmapped: object
  }))

export const read = (object: JsonObject, subject: string): Result.Result<Flow, Problem> =>
  object["class_uid"] === undefined && object["src_endpoint"] === undefined ? plain(object, subject) : ocsf(object)
