/**
 * A flow as a row of `ocsf_network_activity`, or of the older `netflow_metrics`.
 */
import * as EventTime from "../../decode/EventTime.ts"
import * as Timestamp from "../../decode/Timestamp.ts"
import type { NetflowMetricRow } from "../../rows/NetflowMetrics.ts"
import type { OcsfNetworkActivityRow } from "../../rows/OcsfNetworkActivity.ts"
import type { RowContext } from "../../stream/EventMessage.ts"
import * as Ocsf from "../ocsf/Ocsf.ts"
import * as Flow from "./Flow.ts"
import * as FlowDocument from "./FlowDocument.ts"
import * as FlowServices from "./FlowServices.ts"

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
    ocsf_payload: new FlowDocument.FlowDocument(flow, time, context.subject, { protocol, direction })
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
  metadata: JSON.stringify(FlowDocument.claimed(flow, context.storedAtMicros))
})

/** The same 32 bits with a sign, as the column has one. */
const signed = (value: number | null): number => (value ?? 0) | 0
