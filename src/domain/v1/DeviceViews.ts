/** Devices of the inventory as the existing core shows them, in its lists and one by one. */
import { DateTime, Option, Schema } from "effect"
import type { Values } from "../records/Record.ts"
import { type Checked, isOf, type Known } from "./Checked.ts"
import type { MetricKind } from "./Measured.ts"

const text = Schema.NullOr(Schema.String)

const Row = Schema.Struct({
  uid: Schema.String,
  lifecycle: Schema.String,
  typeId: Schema.Number,
  deviceType: text,
  name: text,
  hostname: text,
  ip: text,
  mac: text,
  vendorName: text,
  model: text,
  pollerId: text,
  agentId: text,
  partitionId: text,
  isAvailable: Schema.Boolean,
  isManaged: Schema.Boolean,
  firstSeenTime: Schema.DateTimeUtc,
  lastSeenTime: Schema.DateTimeUtc,
  discoverySources: Schema.Array(Schema.String)
})
type Row = typeof Row.Type

const decode = Schema.decodeUnknownOption(Row)

export interface Device extends Row, Known {
  readonly ip: string
  /** What of the checks that are known ask it, or run on it. */
  readonly checked: ReadonlyArray<Checked>
}

const agentPrefix = "serviceradar:agent:"

const isHere = (known: Known) => (checked: Checked): boolean =>
  known.uid === `${agentPrefix}${checked.agentId}` || isOf(checked, known)

/** None where a record is no device, which none is. */
export const make = (values: Values, checked: ReadonlyArray<Checked>): Option.Option<Device> =>
  Option.map(decode(values), (row) => {
    const known = { uid: row.uid, ip: row.ip ?? "", partition: row.partitionId ?? "default" }
    return { ...row, ...known, checked: checked.filter(isHere(known)) }
  })

const isDeleted = ({ lifecycle }: Device): boolean => lifecycle === "decommissioned"

/** `poller` or `agent`, of those that are services of ours. */
const serviceOf = ({ uid }: Device): string => /^serviceradar:(\w+):/.exec(uid)?.[1] ?? ""

const typeOf = (device: Device): string => device.deviceType ?? (serviceOf(device) || "network_device")

const statusOf = ({ isAvailable }: Device): string => isAvailable ? "online" : "offline"

/** Texts alone, as there. */
const metadataOf = (device: Device): Readonly<Record<string, string>> => ({
  lifecycle: device.lifecycle,
  partition: device.partition,
  ...(device.vendorName === null ? {} : { vendor: device.vendorName }),
  ...(device.model === null ? {} : { model: device.model }),
  ...(isDeleted(device) ? { _deleted: "true" } : {})
})

const inventories = new Set(["armis", "netbox", "integration", "sync"])

/** From 1 to 10: an inventory knows a device, a check an address. */
const confidenceOf = (source: string): number => inventories.has(source) ? 7 : 5

const sourcesOf = (device: Device) =>
  device.discoverySources.map((source) => ({
    source,
    agent_id: device.agentId ?? "",
    poller_id: device.pollerId ?? "",
    first_seen: DateTime.formatIso(device.firstSeenTime),
    last_seen: DateTime.formatIso(device.lastSeenTime),
    confidence: confidenceOf(source)
  }))

const kindsOf = ({ checked }: Device): ReadonlyArray<MetricKind> =>
  [...new Set(checked.map(({ kind }) => kind))].toSorted()

const newest = (checked: ReadonlyArray<Checked>): Checked | undefined =>
  checked.toSorted((a, b) => DateTime.toEpochMillis(b.at) - DateTime.toEpochMillis(a.at))[0]

const capabilitiesOf = (device: Device) => {
  const last = newest(device.checked)
  const kinds = kindsOf(device)
  if (last === undefined) return {}
  return {
    collector_capabilities: {
      has_collector: true,
      supports_icmp: kinds.includes("icmp"),
      supports_snmp: kinds.includes("snmp"),
      supports_sysmon: kinds.includes("sysmon"),
      capabilities: kinds,
      agent_id: last.agentId,
      poller_id: last.pollerId,
      service_name: last.serviceName,
      last_seen: DateTime.formatIso(last.at)
    },
    capability_snapshots: device.checked.map((one) => ({
      capability: one.kind,
      service_id: one.serviceName,
      service_type: one.serviceType,
      state: one.isAvailable ? "ok" : "failed",
      enabled: true,
      last_checked: DateTime.formatIso(one.at),
      ...(one.isAvailable ? { last_success: DateTime.formatIso(one.at) } : {}),
      metadata: {},
      recorded_by: one.pollerId
    }))
  }
}

/** In a list. */
export const entry = (device: Device) => ({
  device_id: device.uid,
  device_type: typeOf(device),
  ip: device.ip,
  hostname: device.hostname,
  mac: device.mac,
  is_available: device.isAvailable,
  first_seen: DateTime.formatIso(device.firstSeenTime),
  last_seen: DateTime.formatIso(device.lastSeenTime),
  last_heartbeat: DateTime.formatIso(device.lastSeenTime),
  discovery_sources: sourcesOf(device),
  metadata: metadataOf(device),
  os_info: "",
  service_type: serviceOf(device),
  service_status: statusOf(device),
  version_info: "",
  ...capabilitiesOf(device)
})

/** By itself. */
export const whole = (device: Device) => {
  const kinds = kindsOf(device)
  return {
    device_id: device.uid,
    agent_id: device.agentId ?? "",
    poller_id: device.pollerId ?? "",
    discovery_sources: device.discoverySources,
    ip: device.ip,
    ...(device.hostname === null ? {} : { hostname: device.hostname }),
    ...(device.mac === null ? {} : { mac: device.mac }),
    first_seen: DateTime.formatIso(device.firstSeenTime),
    last_seen: DateTime.formatIso(device.lastSeenTime),
    is_available: device.isAvailable,
    service_status: statusOf(device),
    device_type: typeOf(device),
    metadata: metadataOf(device),
    ...capabilitiesOf(device),
    ...(kinds.length === 0 ? {} : { metrics_summary: Object.fromEntries(kinds.map((kind) => [kind, true])) }),
    discovery_info: entry(device)
  }
}
