/**
 * The complete OCSF event of a flow, as JSON text.
 *
 * Written by hand, because there is one for each flow and most rows are flows: `JSON.stringify` of the same takes a
 * quarter longer. Counters of 64 bits that a double cannot hold are text, as a JSON number
 * would lose digits. Members without a value are left out.
 *
 * Members stand in the order of `jsonb`, shorter names first and then by their letters: PostgreSQL spends more on reading
 * this document than on all the rest of the row, and a seventh less when it need not sort.
 */
import * as EventTime from "../../decode/EventTime.ts"
import type { JsonObject } from "../../decode/Json.ts"
import * as Timestamp from "../../decode/Timestamp.ts"
import type { JsonDocument } from "../../rows/Table.ts"
import * as Ocsf from "../ocsf/Ocsf.ts"
import type * as Flow from "./Flow.ts"

export interface Labels {
  readonly protocol: string | null
  readonly direction: string
}

/** Printable ASCII without quote and backslash: most texts by far. */
const isPlain = /^[ !#-[\]-~]*$/

const quoted = (text: string): string => isPlain.test(text) ? `"${text}"` : JSON.stringify(text)

const count = (value: bigint): string => value <= Number.MAX_SAFE_INTEGER ? String(Number(value)) : `"${value}"`

const millis = (micros: number): string => String(Math.floor(micros / 1000))

/** `member` has its comma, quotes and colon. */
const counted = (member: string, value: bigint | null): string => value === null ? "" : member + count(value)
const numbered = (member: string, value: number | null): string => value === null ? "" : member + value
const texted = (member: string, value: string | null): string => value === null ? "" : member + quoted(value)
const timed = (member: string, value: number | null): string => value === null ? "" : member + millis(value)

const endpoint = (ip: string | null, mac: string | null, port: number | null, as: bigint | null): string => {
  const members = texted(",\"mac\":", mac) + numbered(",\"port\":", port) +
    (as === null ? "" : `,"autonomous_system":{"number":${as}}`)
  return ip === null ? `{${members.slice(1)}}` : `{"ip":${quoted(ip)}${members}}`
}

/** Above a million, thousand and so on with two decimals at most, as the pages have always shown it. */
const units = [[1_000_000_000, "GB"], [1_000_000, "MB"], [1_000, "KB"]] as const

const size = (bytes: bigint): string => {
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
export const claimed = ({ receivedAt, unmapped }: Flow.Flow, time: number): JsonObject =>
  receivedAt === null || receivedAt === time || EventTime.isCredible(receivedAt, time)
    ? unmapped
    : { ...unmapped, timestamp: Timestamp.format(receivedAt) }

const { activity_id, category_uid, class_uid, type_uid } = Ocsf.networkTraffic
const severity = quoted(Ocsf.severityName(1) ?? "")

export class FlowDocument implements JsonDocument {
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

  toText(): string {
    const { flow, labels, subject, time } = this
    const source = quoted(flow.source)
    return `{"time":${millis(time)},"message":${quoted(messageOf(flow, labels.protocol))},"traffic":{"bytes":${
      count(flow.bytes ?? 0n)
    },"packets":${count(flow.packets ?? 0n)}` +
      counted(",\"bytes_in\":", flow.bytesIn) +
      counted(",\"bytes_out\":", flow.bytesOut) +
      counted(",\"packets_in\":", flow.packetsIn) +
      counted(",\"packets_out\":", flow.packetsOut) +
      "}" +
      timed(",\"end_time\":", flow.endedAt) +
      `,"metadata":{"version":"${Ocsf.version}","flow_source":${source},"correlation_uid":${quoted(subject)}}` +
      `,"severity":${severity},"type_uid":${type_uid},"unmapped":${JSON.stringify(claimed(flow, time))}` +
      `,"class_uid":${class_uid}` +
      timed(",\"start_time\":", flow.startedAt) +
      `,"activity_id":${activity_id},"flow_source":${source}` +
      (flow.samplerIp === null
        ? ""
        : `,"observables":[${JSON.stringify(Ocsf.observable("IP Address", flow.samplerIp))}]`) +
      `,"severity_id":1,"category_uid":${category_uid},"dst_endpoint":${
        endpoint(flow.dstIp, flow.dstMac, flow.dstPort, flow.dstAs)
      }` +
      numbered(",\"protocol_num\":", flow.protocol) +
      `,"src_endpoint":${endpoint(flow.srcIp, flow.srcMac, flow.srcPort, flow.srcAs)}` +
      `,"connection_info":{"direction":${quoted(labels.direction)}` +
      numbered(",\"tcp_flags\":", flow.tcpFlags) +
      numbered(",\"input_snmp\":", flow.inputSnmp) +
      numbered(",\"output_snmp\":", flow.outputSnmp) +
      numbered(",\"protocol_num\":", flow.protocol) +
      texted(",\"protocol_name\":", labels.protocol) +
      "}" +
      texted(",\"sampler_address\":", flow.samplerIp) +
      "}"
  }

  toJSON(): unknown {
    return JSON.parse(this.toText())
  }
}
