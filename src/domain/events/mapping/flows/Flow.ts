/**
 * One network flow, whatever its encoding was: what the JSON and protobuf readers agree on.
 *
 * Null means that the exporter did not say; protobuf's 0 for a port, protocol, AS or interface counts as that.
 */
import type { JsonObject } from "../../decode/Json.ts"

export interface Flow {
  /** Microseconds since 1970. */
  readonly receivedAt: number | null
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly srcIp: string | null
  readonly dstIp: string | null
  readonly samplerIp: string | null
  readonly srcPort: number | null
  readonly dstPort: number | null
  readonly protocol: number | null
  readonly protocolName: string | null
  readonly tcpFlags: number | null
  readonly srcAs: bigint | null
  readonly dstAs: bigint | null
  readonly bytes: bigint | null
  readonly packets: bigint | null
  readonly bytesIn: bigint | null
  readonly bytesOut: bigint | null
  readonly packetsIn: bigint | null
  readonly packetsOut: bigint | null
  readonly inputSnmp: number | null
  readonly outputSnmp: number | null
  /** Twelve upper-case hex digits. */
  readonly srcMac: string | null
  readonly dstMac: string | null
  /** `sFlow v5`, `NetFlow v5`, `NetFlow v9`, `IPFIX` or `Unknown`. */
  readonly source: string
  /** As the exporter says it. */
  readonly direction: string | null
  readonly gatewayId: string | null
  readonly agentId: string | null
  readonly deviceId: string | null
  readonly partition: string | null
  /** What has no column; a bigint here is text already. */
  readonly unmapped: JsonObject
}

const directions: Readonly<Record<string, string>> = {
  ingress: "ingress",
  inbound: "ingress",
  in: "ingress",
  egress: "egress",
  outbound: "egress",
  out: "egress",
  lateral: "lateral",
  // IPFIX's `flowDirection`.
  0: "ingress",
  1: "egress"
}

const isPositive = (count: bigint | null): boolean => count !== null && count > 0n

/** As the exporter says it, else by which way bytes went. */
export const direction = (flow: Flow): string => {
  const named = flow.direction?.toLowerCase() ?? ""
  if (Object.hasOwn(directions, named)) return directions[named] ?? "unknown"
  if (isPositive(flow.bytesIn)) return isPositive(flow.bytesOut) ? "bidirectional" : "ingress"
  return isPositive(flow.bytesOut) ? "egress" : "unknown"
}

const flagNames = ["CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN"] as const

/** Labels of the TCP flags, the highest bit first. */
export const tcpFlagLabels = (flags: number): ReadonlyArray<string> =>
  flagNames.filter((_, at) => (flags & (0x80 >> at)) !== 0)

/** Whether it tells neither who nor how much: then it is no flow. */
export const saysNothing = (flow: Flow): boolean =>
  flow.srcIp === null && flow.dstIp === null && flow.srcMac === null && flow.dstMac === null &&
  !isPositive(flow.bytes) && !isPositive(flow.packets) && !isPositive(flow.bytesIn) && !isPositive(flow.bytesOut)
