/**
 * Flows in protobuf: one message, or any number of them, each behind its length.
 *
 * The length form is tried first, as the first bytes of a bare message can look like a length. It counts when the lengths
 * lead to the end and something on the way is a flow, or when what is behind the first length is a flow with addresses.
 * What then is none costs itself, as does the rest of a message that breaks off.
 */
import { BinaryReader } from "@bufbuild/protobuf/wire"
import { Result, String } from "effect"
import * as Address from "../../../domain/events/decode/Address.ts"
import { fail, type Problem } from "../../../domain/events/decode/DecodeError.ts"
import type { Collector } from "../../../domain/events/decode/Elements.ts"
import { cleanText, type JsonObject } from "../../../domain/events/decode/Json.ts"
import * as Timestamp from "../../../domain/events/decode/Timestamp.ts"
import { type Flow, saysNothing } from "../../../domain/events/mapping/flows/Flow.ts"
import { FlowMessage } from "../../../gen/flowpb/flow.ts"
import * as Protobuf from "./Protobuf.ts"

const sources: Readonly<Record<number, string>> = { 1: "sFlow v5", 2: "NetFlow v5", 3: "NetFlow v9", 4: "IPFIX" }

const ip = (bytes: Uint8Array | undefined): string | null =>
  bytes === undefined ? null : Address.fromBytes(bytes) ?? null
const micros = (nanos: bigint): number | null => nanos === 0n ? null : Timestamp.fromNanos(nanos)
const nonZero = (value: number): number | null => value === 0 ? null : value
/** Values that no protocol has: the exporter's own, kept among what has no column. */
const upTo = (value: number, maximum: number): number | null => value > maximum ? null : nonZero(value)
const nonZeroBig = (value: bigint): bigint | null => value === 0n ? null : value

const mac = (value: bigint): string | null =>
  value === 0n ? null : BigInt.asUintN(48, value).toString(16).padStart(12, "0").toUpperCase()

const hasColumn: ReadonlySet<string> = new Set([
  "type",
  "srcAddr",
  "dstAddr",
  "bytes",
  "packets",
  "samplerAddress",
  "srcAs",
  "dstAs",
  "inIf",
  "outIf",
  "proto",
  "srcPort",
  "dstPort",
  "tcpFlags",
  "srcMac",
  "dstMac",
  "protocolName",
  "timeReceivedNs",
  "timeFlowStartNs",
  "timeFlowEndNs",
  "bytesIn",
  "bytesOut",
  "packetsIn",
  "packetsOut"
])

const addresses: ReadonlySet<string> = new Set(["nextHop", "bgpNextHop", "mplsIp", "ipv6RoutingHeaderAddresses"])

const plain = (key: string, value: unknown): unknown => {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
  if (Array.isArray(value)) return value.map((one: unknown) => plain(key, one))
  if (value instanceof Uint8Array) {
    return addresses.has(key) ? Address.fromBytes(value) ?? Buffer.from(value).toString("hex") : null
  }
  return value
}

const isEmpty = (value: unknown): boolean =>
  value === 0 || value === 0n || value === "" || value === undefined ||
  (typeof value === "object" && value !== null && "length" in value && value.length === 0)

const isKey = (wire: FlowMessage, key: string): key is keyof FlowMessage => key in wire

const keysOf = (wire: FlowMessage) => Object.keys(wire).filter((key) => isKey(wire, key))

/** With the names that they get, in the order of `jsonb`: shorter names first, then by their letters. */
const unmappedKeys = keysOf(FlowMessage.create())
  .filter((key) => !hasColumn.has(key))
  .map((key) => ({ key, name: String.camelToSnake(key) }))
  .sort((one, other) => one.name.length - other.name.length || (one.name < other.name ? -1 : 1))

const isOdd = (wire: FlowMessage): boolean =>
  wire.srcPort > portMax || wire.dstPort > portMax || wire.proto > protocolMax || wire.tcpFlags > flagsMax

/** Every field without a column that the exporter filled in, and values that are too large for theirs. */
const unmapped = (wire: FlowMessage): JsonObject => {
  const rest: Record<string, unknown> = isOdd(wire)
    ? { proto: wire.proto, src_port: wire.srcPort, dst_port: wire.dstPort, tcp_flags: wire.tcpFlags }
    : {}
  for (const { key, name } of unmappedKeys) {
    const value = wire[key]
    if (!isEmpty(value)) rest[name] = plain(key, value)
  }
  return rest
}

const flow = (wire: FlowMessage): Flow => ({
  receivedAt: micros(wire.timeReceivedNs),
  startedAt: micros(wire.timeFlowStartNs),
  endedAt: micros(wire.timeFlowEndNs),
  srcIp: ip(wire.srcAddr),
  dstIp: ip(wire.dstAddr),
  samplerIp: ip(wire.samplerAddress),
  srcPort: upTo(wire.srcPort, portMax),
  dstPort: upTo(wire.dstPort, portMax),
  protocol: upTo(wire.proto, protocolMax),
  protocolName: wire.protocolName === "" ? null : cleanText(wire.protocolName),
  tcpFlags: upTo(wire.tcpFlags, flagsMax),
  srcAs: wire.srcAs === 0 ? null : BigInt(wire.srcAs),
  dstAs: wire.dstAs === 0 ? null : BigInt(wire.dstAs),
  bytes: wire.bytes,
  packets: wire.packets,
  bytesIn: nonZeroBig(wire.bytesIn),
  bytesOut: nonZeroBig(wire.bytesOut),
  packetsIn: nonZeroBig(wire.packetsIn),
  packetsOut: nonZeroBig(wire.packetsOut),
  inputSnmp: nonZero(wire.inIf),
  outputSnmp: nonZero(wire.outIf),
  srcMac: mac(wire.srcMac),
  dstMac: mac(wire.dstMac),
  source: sources[wire.type] ?? "Unknown",
  direction: null,
  gatewayId: null,
  agentId: null,
  deviceId: null,
  partition: null,
  unmapped: unmapped(wire)
})

const portMax = 0xffff
const protocolMax = 0xff
const flagsMax = 0xffff

/** Of a field that may be left out. */
const isAddress = (bytes: Uint8Array | undefined): boolean =>
  bytes === undefined || bytes.length === 4 || bytes.length === 16 || bytes.length === 0

const noAddress = (name: string) => fail([name], "expected 4 or 16 bytes")

/** Flows of other protocols than IP have no addresses; what is there must be one. */
const checked = (wire: FlowMessage): Result.Result<Flow, Problem> => {
  if (!isAddress(wire.srcAddr)) return noAddress("src_addr")
  if (!isAddress(wire.dstAddr)) return noAddress("dst_addr")
  if (!isAddress(wire.samplerAddress)) return noAddress("sampler_address")
  const read = flow(wire)
  return saysNothing(read) ? fail(["src_addr"], "expected an address, a MAC address or a count") : Result.succeed(read)
}

const one = (data: Uint8Array): Result.Result<Flow, Problem> =>
  Result.flatMap(Protobuf.read(FlowMessage, data), checked)

interface Frame {
  readonly flow: Result.Result<Flow, Problem>
  /** From its length on, to be a message of its own. */
  readonly start: number
  readonly end: number
}

/** No flow that says anything is shorter; so a bare message, which begins with 8, is seen at once to have no length. */
const flowBytesMin = 12

const lengthAt = (reader: BinaryReader): number | undefined => Result.getOrUndefined(Result.try(() => reader.uint32()))

const hasAddresses = ({ flow }: Frame): boolean =>
  Result.isSuccess(flow) && flow.success.srcIp !== null && flow.success.dstIp !== null

/** The messages behind their lengths, with a last one that breaks off; none when the message is not of that form. */
const framed = (data: Uint8Array): ReadonlyArray<Frame> | undefined => {
  if ((data[0] ?? 0) < flowBytesMin) return undefined
  const reader = new BinaryReader(data)
  const frames: Array<Frame> = []
  while (reader.pos < data.length) {
    const start = reader.pos
    const length = lengthAt(reader)
    const end = length === undefined ? Number.POSITIVE_INFINITY : reader.pos + length
    if (end > data.length || (length ?? 0) < flowBytesMin) {
      const [first] = frames
      if (first === undefined || !hasAddresses(first)) return undefined
      frames.push({ flow: fail([], "expected a whole flow behind its length"), start, end: data.length })
      return frames
    }
    frames.push({ flow: one(data.subarray(reader.pos, end)), start, end })
    reader.pos = end
  }
  return frames.some(({ flow }) => Result.isSuccess(flow)) ? frames : undefined
}

export const read = <Row extends object>(
  data: Uint8Array,
  out: Collector<Row>,
  row: (flow: Flow) => Row
): Result.Result<void, Problem> => {
  const frames = framed(data)
  if (frames === undefined) return Result.map(one(data), (flow) => out.add(row(flow)))
  frames.forEach(({ end, flow, start }, at) => {
    if (out.isOver) return
    if (Result.isSuccess(flow)) out.add(row(flow.success))
    else out.refuse({ path: [at, ...flow.failure.path], reason: flow.failure.reason }, () => data.subarray(start, end))
  })
  return Result.void
}
