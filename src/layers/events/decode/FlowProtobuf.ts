/**
 * Flows in protobuf: one message, or any number of them, each behind its length.
 *
 * The length form is tried first and counts when what is behind the first length is a flow with addresses: the first
 * bytes of a bare message can look like a length, but what follows is then no flow.
 */
import { BinaryReader } from "@bufbuild/protobuf/wire"
import { Result } from "effect"
import * as Address from "../../../domain/events/decode/Address.ts"
import { fail, type Problem } from "../../../domain/events/decode/DecodeError.ts"
import { cleanText, type JsonObject } from "../../../domain/events/decode/Json.ts"
import * as Timestamp from "../../../domain/events/decode/Timestamp.ts"
import type { Flow } from "../../../domain/events/mapping/flows/Flow.ts"
import { FlowMessage } from "../../../gen/flowpb/flow.ts"
import * as Protobuf from "./Protobuf.ts"

const sources: Readonly<Record<number, string>> = { 1: "sFlow v5", 2: "NetFlow v5", 3: "NetFlow v9", 4: "IPFIX" }

const ip = (bytes: Uint8Array | undefined): string | null =>
  bytes === undefined ? null : Address.fromBytes(bytes) ?? null
const micros = (nanos: bigint): number | null => nanos === 0n ? null : Timestamp.fromNanos(nanos)
const nonZero = (value: number): number | null => value === 0 || value > 2 ** 31 - 1 ? null : value
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

const snake = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const isKey = (wire: FlowMessage, key: string): key is keyof FlowMessage => key in wire

const keysOf = (wire: FlowMessage) => Object.keys(wire).filter((key) => isKey(wire, key))

/** With the names that they get, in the order of `jsonb`: shorter names first, then by their letters. */
const unmappedKeys = keysOf(FlowMessage.create())
  .filter((key) => !hasColumn.has(key))
  .map((key) => ({ key, name: snake(key) }))
  .sort((one, other) => one.name.length - other.name.length || (one.name < other.name ? -1 : 1))

/** Every field without a column that the exporter filled in. */
const unmapped = (wire: FlowMessage): JsonObject => {
  const rest: Record<string, unknown> = {}
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
  srcPort: nonZero(wire.srcPort),
  dstPort: nonZero(wire.dstPort),
  protocol: nonZero(wire.proto),
  protocolName: wire.protocolName === "" ? null : cleanText(wire.protocolName),
  tcpFlags: nonZero(wire.tcpFlags),
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

const isAddress = (bytes: Uint8Array | undefined): boolean => bytes?.length === 4 || bytes?.length === 16

const checked = (wire: FlowMessage): Result.Result<FlowMessage, Problem> => {
  if (!isAddress(wire.srcAddr)) return fail(["src_addr"], "expected 4 or 16 bytes")
  if (!isAddress(wire.dstAddr)) return fail(["dst_addr"], "expected 4 or 16 bytes")
  return wire.samplerAddress === undefined || wire.samplerAddress.length === 0 || isAddress(wire.samplerAddress)
    ? Result.succeed(wire)
    : fail(["sampler_address"], "expected 4 or 16 bytes")
}

const one = (data: Uint8Array): Result.Result<FlowMessage, Problem> =>
  Result.flatMap(Protobuf.read(FlowMessage, data), checked)

/**
 * The messages behind their lengths, or none when the first is not of that form; once the first is, the others must be.
 */
const framed = (data: Uint8Array): Result.Result<ReadonlyArray<FlowMessage>, Problem> | undefined => {
  const reader = new BinaryReader(data)
  const messages: Array<FlowMessage> = []
  while (reader.pos < data.length) {
    const message = frameAt(reader, data)
    if (message === undefined) {
      return messages.length === 0 ? undefined : fail([messages.length], "expected a whole flow behind its length")
    }
    messages.push(message)
  }
  return messages.length === 0 ? undefined : Result.succeed(messages)
}

/** No flow with two addresses is shorter; so a bare message, which begins with 8, is seen at once to have no length. */
const flowBytesMin = 12

const frameAt = (reader: BinaryReader, data: Uint8Array): FlowMessage | undefined => {
  const length = lengthAt(reader)
  if (length === undefined || length < flowBytesMin || reader.pos + length > data.length) return undefined
  const message = one(data.subarray(reader.pos, reader.pos + length))
  reader.pos += length
  return Result.getOrUndefined(message)
}

const lengthAt = (reader: BinaryReader): number | undefined => Result.getOrUndefined(Result.try(() => reader.uint32()))

export const read = (data: Uint8Array): Result.Result<ReadonlyArray<Flow>, Problem> => {
  const messages = framed(data)
  if (messages !== undefined) return Result.map(messages, (all) => all.map(flow))
  return Result.map(one(data), (message) => [flow(message)])
}
