/**
 * A device as core and pollers read it: key order, omitted keys and escapes are those of the Go service, so that equal
 * devices have equal bytes.
 */
import type { Device } from "./DeviceRecord.ts"
import * as GoJson from "./GoJson.ts"
import * as SourceContext from "./SourceContext.ts"

export interface DeviceUpdate {
  readonly deviceId: string
  readonly ip: string
  readonly source: string
  readonly agentId: string
  readonly pollerId: string
  readonly partition: string
  readonly timestamp: string
  readonly hostname: string
  /** Empty when there is none; the key is then left out. */
  readonly mac: string
  readonly metadata: Readonly<Record<string, string>>
}

export const metadataOf = (device: Device, context: SourceContext.SourceContext): Record<string, string> => {
  const { kind } = context
  const [primary] = device.ips
  return {
    ...device.metadata,
    integration_type: kind.type,
    integration_id: device.id,
    ...(kind.idKey === undefined ? {} : { [kind.idKey]: device.id }),
    ...(kind.hasAddressList
      ? { primary_ip: primary, all_ips: device.ips.join(","), ip_count: String(device.ips.length) }
      : {}),
    ...(kind.labelDefault === undefined ? {} : { query_label: SourceContext.labelOf(context, device.queries) })
  }
}

export const make = (device: Device, context: SourceContext.SourceContext): DeviceUpdate => {
  const [ip] = device.ips
  const { kind, partition } = context
  return {
    deviceId: kind.hasDeviceId ? `${partition}:${ip}` : "",
    ip,
    source: kind.source,
    agentId: context.agentId,
    pollerId: context.pollerId,
    partition,
    timestamp: context.timestamp,
    hostname: device.hostname,
    mac: device.mac,
    metadata: {
      ...metadataOf(device, context),
      ...(kind.hasAddressList ? { tag: device.tags.join(",") } : {})
    }
  }
}

export const toJson = (update: DeviceUpdate): string => {
  const partition = update.partition === "" ? "" : `"partition":${GoJson.string(update.partition)},`
  const mac = update.mac === "" ? "" : `"mac":${GoJson.string(update.mac)},`
  return `{"device_id":${GoJson.string(update.deviceId)},"ip":${GoJson.string(update.ip)},` +
    `"source":${GoJson.string(update.source)},"agent_id":${GoJson.string(update.agentId)},` +
    `"poller_id":${GoJson.string(update.pollerId)},${partition}"timestamp":${GoJson.string(update.timestamp)},` +
    `"hostname":${GoJson.string(update.hostname)},${mac}"metadata":${GoJson.stringMap(update.metadata)},` +
    `"is_available":false,"confidence":0}`
}
