/** That somebody took a device out of the inventory, as core's CloudEvent on `events.devices.lifecycle`. */
import { DateTime } from "effect"
import { json, type Outgoing } from "./Outgoing.ts"

const subject = "events.devices.lifecycle"

export interface DeviceRemoval {
  readonly deviceId: string
  readonly partition: string
  readonly ip: string
  /** As the audit names them. */
  readonly actor: string
  /** Of whoever asked; empty when it is not known. */
  readonly address: string
  readonly at: DateTime.Utc
}

export const make = ({ actor, address, at, deviceId, ip, partition }: DeviceRemoval, id: string): Outgoing => {
  const time = DateTime.formatIso(at)
  return json(subject, {
    specversion: "1.0",
    id,
    source: "serviceradar/core",
    type: "com.carverauto.serviceradar.device.lifecycle",
    datacontenttype: "application/json",
    subject,
    time,
    data: {
      device_id: deviceId,
      partition,
      action: "deleted",
      actor,
      reason: "manual_delete",
      timestamp: time,
      severity: "Medium",
      level: 5,
      remote_addr: address,
      metadata: { actor, ip, partition }
    }
  })
}
