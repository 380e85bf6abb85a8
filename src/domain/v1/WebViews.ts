/** Devices under the names of OCSF 1.7, as the later web application shows them. */
import { DateTime } from "effect"
import type { Device } from "./DeviceViews.ts"

export const device = (device: Device) => ({
  uid: device.uid,
  type: device.deviceType,
  type_id: device.typeId,
  name: device.name,
  hostname: device.hostname,
  ip: device.ip === "" ? null : device.ip,
  mac: device.mac,
  vendor_name: device.vendorName,
  model: device.model,
  poller_id: device.pollerId,
  agent_id: device.agentId,
  partition: device.partition,
  is_available: device.isAvailable,
  is_managed: device.isManaged,
  discovery_sources: device.discoverySources,
  first_seen_time: DateTime.formatIso(device.firstSeenTime),
  last_seen_time: DateTime.formatIso(device.lastSeenTime)
})
