/**
 * What is said of a device that its source no longer has, so that core forgets it.
 *
 * Core deletes the record that an update with `_deleted` in its metadata resolves to, by the strongest identifier it
 * finds. So a retraction names the source's own id and nothing else: a MAC or a general `integration_id` would resolve
 * to whoever has it by now (core does not tell Armis device 5 from NetBox device 5 by `integration_id`).
 */
import { Duration } from "effect"
import * as DeviceIdentity from "./DeviceIdentity.ts"
import type { Device } from "./DeviceRecord.ts"
import * as GoJson from "./GoJson.ts"
import type { SourceContext } from "./SourceContext.ts"

/** Metadata key by which core knows a retraction. */
const deletedKey = "_deleted"

/**
 * Whether two runs of a source can tell what is gone: what one of them never asked for is not gone. A run that was made
 * by an earlier version, or before retractions were turned on, cannot.
 */
export const areComparable = (before: SourceContext, after: SourceContext): boolean =>
  after.question !== undefined && before.question === after.question &&
  before.kind.type === after.kind.type && before.endpoint === after.endpoint && before.partition === after.partition

/**
 * Where the device would still be if it is not gone but goes on under another key or in another source: core takes two
 * devices with one of these in common for the same.
 */
export const identifiers = (device: Device, context: SourceContext): ReadonlyArray<string> =>
  DeviceIdentity.joiningIdentifiers(device, context)

/**
 * The update as it is served: as the existing service writes one, without hostname and MAC. `after` is the run that no
 * longer had the device.
 */
export const toJson = (device: Device, before: SourceContext, after: SourceContext): string => {
  const [ip] = device.ips
  const { kind, partition } = before
  const metadata = {
    integration_type: kind.type,
    [kind.idKey ?? "integration_id"]: device.id,
    [deletedKey]: "true"
  }
  return `{"device_id":${GoJson.string(kind.hasDeviceId ? `${partition}:${ip}` : "")},"ip":${GoJson.string(ip)},` +
    `"source":${GoJson.string(kind.source)},"agent_id":${GoJson.string(after.agentId)},` +
    `"poller_id":${GoJson.string(after.pollerId)},` +
    (partition === "" ? "" : `"partition":${GoJson.string(partition)},`) +
    `"timestamp":${GoJson.string(after.timestamp)},"metadata":${GoJson.stringMap(metadata)},` +
    `"is_available":false,"confidence":0}`
}

/** Whether a retraction has been served for long enough. */
export const isOver = (retractedAtMillis: number, retention: Duration.Duration, nowMillis: number): boolean =>
  nowMillis - retractedAtMillis >= Duration.toMillis(retention)
