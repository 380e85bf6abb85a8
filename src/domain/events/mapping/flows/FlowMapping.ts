/**
 * A flow as a row of `ocsf_network_activity`, or of the older `netflow_metrics`.
 *
 * Counters of 64 bits are text in the JSON document, because a JSON number would lose digits.
 */
import * as EventTime from "../../decode/EventTime.ts"
import type { JsonObject } from "../../decode/Json.ts"
import * as Timestamp from "../../decode/Timestamp.ts"
import type { NetflowMetricRow } from "../../rows/NetflowMetrics.ts"
import type { OcsfNetworkActivityRow } from "../../rows/OcsfNetworkActivity.ts"
import type { JsonDocument } from "../../rows/Table.ts"
import type { RowContext } from "../../stream/EventMessage.ts"
import * as Ocsf from "../ocsf/Ocsf.ts"
import * as Flow from "./Flow.ts"
import * as FlowServices from "./FlowServices.ts"

const count = (value: bigint | null): number | string | undefined =>
  value === null ? undefined : value <= Number.MAX_SAFE_INTEGER ? Number(value) : value.toString()

const millis = (micros: number | null): number | undefined => micros === null ? undefined : Math.floor(micros / 1000)

const endpoint = (ip: string | null, port: number | null, as: bigint | null, mac: string | null) => ({
  ip: ip ?? undefined,
  mac: mac ?? undefined,
  port: port ?? undefined,
  autonomous_system: as === null ? undefined : { number: Number(as) }
})

/**
 * The complete event; members without a value are left out by the encoding.
 *
 * Members stand in the order of `jsonb`, shorter names first and then by their letters: PostgreSQL spends more on reading
 * this document than on all the rest of the row, and a seventh less when it need not sort.
 */
class FlowDocument implements JsonDocument {
  readonly flow: Flow.Flow
  readonly time: number
  readonly subject: string
  readonly labels: Labels

  constructor(flow: Flow.Flow, time: number, subject: string, labels: Labels) {
    this.flow = flow
    this.time = time
    this.subject = subject
    this.labels = labels
  }

  toJSON(): JsonObject {
    const flow = this.flow
    return {
      time: millis(this.time),
      message: messageOf(flow, this.labels.protocol),
      traffic: {
        bytes: count(flow.bytes ?? 0n),
        packets: count(flow.packets ?? 0n),
        bytes_in: count(flow.bytesIn),
        bytes_out: count(flow.bytesOut),
        packets_in: count(flow.packetsIn),
        packets_out: count(flow.packetsOut)
      },
      end_time: millis(flow.endedAt),
      metadata: { version: Ocsf.version, flow_source: flow.source, correlation_uid: this.subject },
      severity: Ocsf.severityName(1),
      type_uid: Ocsf.networkTraffic.type_uid,
      unmapped: claimed(flow, this.time),
      class_uid: Ocsf.networkTraffic.class_uid,
      start_time: millis(flow.startedAt),
      activity_id: Ocsf.networkTraffic.activity_id,
      flow_source: flow.source,
      observables: flow.samplerIp === null ? undefined : [Ocsf.observable("IP Address", flow.samplerIp)],
      severity_id: 1,
      category_uid: Ocsf.networkTraffic.category_uid,
      dst_endpoint: endpoint(flow.dstIp, flow.dstPort, flow.dstAs, flow.dstMac),
      protocol_num: flow.protocol ?? undefined,
      src_endpoint: endpoint(flow.srcIp, flow.srcPort, flow.srcAs, flow.srcMac),
      connection_info: {
        direction: this.labels.direction,
        tcp_flags: flow.tcpFlags ?? undefined,
        input_snmp: flow.inputSnmp ?? undefined,
        output_snmp: flow.outputSnmp ?? undefined,
        protocol_num: flow.protocol ?? undefined,
        protocol_name: this.labels.protocol ?? undefined
      },
      sampler_address: flow.samplerIp ?? undefined
    }
  }
}

interface Labels {
  readonly protocol: string | null
  readonly direction: string
}

/** Above a million, thousand and so on with two decimals at most, as the pages have always shown it. */
const size = (bytes: bigint): string => {
  const units = [[1_000_000_000, "GB"], [1_000_000, "MB"], [1_000, "KB"]] as const
  const number = Number(bytes)
  const [unit, name] = units.find(([from]) => number >= from) ?? [1, "B"]
  if (unit === 1) return `${bytes} B`
  const rounded = String(Math.round(number / unit * 100) / 100)
  return `${rounded.includes(".") ? rounded : `${rounded}.0`} ${name}`
}

const side = (ip: string | null, mac: string | null, port: number | null): string =>
  `${ip ?? mac ?? "unknown"}${port === null ? "" : `:${port}`}`

const messageOf = (flow: Flow.Flow, protocol: string | null): string =>
  `${protocol ?? "Unknown"} traffic: ${side(flow.srcIp, flow.srcMac, flow.srcPort)} -> ` +
  `${side(flow.dstIp, flow.dstMac, flow.dstPort)} (${flow.packets ?? 0n} pkts, ${size(flow.bytes ?? 0n)})`

/** What the exporter claimed as the time of receipt, where it is neither the row's time nor in a column. */
const claimed = ({ receivedAt, unmapped }: Flow.Flow, time: number): JsonObject =>
  receivedAt === null || receivedAt === time || EventTime.isCredible(receivedAt, time)
    ? unmapped
    : { ...unmapped, timestamp: Timestamp.format(receivedAt) }

/** The first of these that is credible, else when the stream stored the message. */
const credible = (
  receivedAt: number,
  first: number | null,
  second: number | null,
  third: number | null
): number =>
  first !== null && EventTime.isCredible(first, receivedAt)
    ? first
    : second !== null && EventTime.isCredible(second, receivedAt)
    ? second
    : third !== null && EventTime.isCredible(third, receivedAt)
    ? third
    : receivedAt

const int4Max = 2 ** 31 - 1

/** The column of the existing system has 32 bits with a sign; the document keeps every number. */
const int4 = (value: bigint | null): number | null => value === null || value > int4Max ? null : Number(value)

const clamp = (value: bigint | null): bigint | null => value === null ? null : Timestamp.clampInt8(value)

const sourceOf = (label: unknown): "iana" | "unknown" => label === null ? "unknown" : "iana"

export const toNetworkActivity = (flow: Flow.Flow, context: RowContext, index: number): OcsfNetworkActivityRow => {
  const time = credible(context.storedAtMicros, flow.endedAt, flow.receivedAt, flow.startedAt)
  const protocol = flow.protocolName ?? (flow.protocol === null ? null : Ocsf.protocolName(flow.protocol) ?? null)
  const direction = Flow.direction(flow)
  const flags = flow.tcpFlags === null ? null : Flow.tcpFlagLabels(flow.tcpFlags)
  const service = FlowServices.label(flow.protocol, flow.dstPort)
  return {
    tenant_id: context.tenantId,
    ingest_id: context.id(index),
    time,
    // One by one: a literal with a spread in it takes several times as long, and this is the busiest of all.
    class_uid: Ocsf.networkTraffic.class_uid,
    category_uid: Ocsf.networkTraffic.category_uid,
    activity_id: Ocsf.networkTraffic.activity_id,
    type_uid: Ocsf.networkTraffic.type_uid,
    severity_id: 1,
    start_time: flow.startedAt,
    end_time: flow.endedAt,
    src_endpoint_ip: flow.srcIp,
    src_endpoint_port: flow.srcPort,
    src_as_number: int4(flow.srcAs),
    dst_endpoint_ip: flow.dstIp,
    dst_endpoint_port: flow.dstPort,
    dst_as_number: int4(flow.dstAs),
    protocol_num: flow.protocol,
    protocol_name: protocol,
    protocol_source: sourceOf(protocol),
    tcp_flags: flow.tcpFlags,
    tcp_flags_labels: flags,
    tcp_flags_source: sourceOf(flags),
    dst_service_label: service,
    dst_service_source: sourceOf(service),
    bytes_total: clamp(flow.bytes) ?? 0n,
    packets_total: clamp(flow.packets) ?? 0n,
    bytes_in: clamp(flow.bytesIn) ?? 0n,
    bytes_out: clamp(flow.bytesOut) ?? 0n,
    packets_in: clamp(flow.packetsIn) ?? 0n,
    packets_out: clamp(flow.packetsOut) ?? 0n,
    direction_label: direction,
    direction_source: flow.direction === null ? "heuristic" : "exporter",
    src_mac: flow.srcMac,
    dst_mac: flow.dstMac,
    sampler_address: flow.samplerIp,
    partition: flow.partition ?? "default",
    ocsf_payload: new FlowDocument(flow, time, context.subject, { protocol, direction })
  }
}

export const toNetflowMetric = (flow: Flow.Flow, context: RowContext, index: number): NetflowMetricRow => ({
  tenant_id: context.tenantId,
  ingest_id: context.id(index),
  timestamp: credible(context.storedAtMicros, flow.receivedAt, flow.endedAt, flow.startedAt),
  poller_id: flow.gatewayId ?? "",
  agent_id: flow.agentId ?? "",
  device_id: flow.deviceId ?? "",
  flow_direction: flow.direction ?? "",
  src_addr: flow.srcIp,
  dst_addr: flow.dstIp,
  src_port: flow.srcPort ?? 0,
  dst_port: flow.dstPort ?? 0,
  protocol: flow.protocol ?? 0,
  packets: clamp(flow.packets) ?? 0n,
  octets: clamp(flow.bytes) ?? 0n,
  sampler_address: flow.samplerIp,
  input_snmp: signed(flow.inputSnmp),
  output_snmp: signed(flow.outputSnmp),
  metadata: JSON.stringify(claimed(flow, context.storedAtMicros))
})

/** The same 32 bits with a sign, as the column has one. */
const signed = (value: number | null): number => (value ?? 0) | 0
