/** Measurements of one device as rows of a time series, whose values and metadata are texts there. */
import { DateTime } from "effect"
import type { PastStatus } from "../core/PastStatus.ts"
import type { Known } from "./Checked.ts"
import { hostOf, kindOf } from "./Measured.ts"
import * as RperfViews from "./RperfViews.ts"
import * as SnmpViews from "./SnmpViews.ts"

const row = (
  { partition, pollerId }: PastStatus,
  device: Known,
  of: { readonly name: string; readonly value: unknown; readonly type: string; readonly timestamp: string },
  metadata: object
) => ({
  poller_id: pollerId,
  name: of.name,
  target_device_ip: device.ip,
  device_id: device.uid,
  partition,
  if_index: 0,
  value: String(of.value),
  type: of.type,
  timestamp: of.timestamp,
  metadata: JSON.stringify(metadata)
})

/** `statuses` are those of checks that ask the device. */
export const rows = (device: Known, statuses: ReadonlyArray<PastStatus>) =>
  statuses.flatMap((status) => {
    const timestamp = DateTime.formatIso(status.reportedAt)
    switch (kindOf(status)) {
      case "icmp":
        return [row(status, device, {
          name: `icmp_${status.serviceName}_response_time_ms`,
          value: status.responseTimeNanos,
          type: "icmp",
          timestamp
        }, { agent_id: status.agentId, available: String(status.available), host: hostOf(status) })]
      case "snmp":
        return SnmpViews.readings([status]).filter(({ ip }) => ip === device.ip).map((reading) =>
          row(status, device, { name: reading.name, value: reading.value, type: "snmp", timestamp: reading.at }, {
            data_type: SnmpViews.typeOf(reading),
            scale: "1",
            is_delta: "false"
          })
        )
      case "rperf":
        return RperfViews.readings([status]).map(({ view }) =>
          row(status, device, { name: view.name, value: view.bits_per_second, type: "rperf", timestamp }, view)
        )
      default:
        return []
    }
  })
