/** Which devices the checks with metrics ask: the same that the inventory makes of them. */
import type { DateTime } from "effect"
import * as DeviceSightings from "../inventory/devices/DeviceSightings.ts"
import type { ServiceState } from "../monitoring/reports/ServiceState.ts"
import { hostsOf, kindOf, type MetricKind } from "./Measured.ts"

export interface Checked {
  readonly kind: MetricKind
  readonly partition: string
  /** Of a device that its address does not tell from others, such as the machine of an agent; empty for none. */
  readonly uid: string
  readonly ip: string
  readonly agentId: ServiceState["agentId"]
  readonly pollerId: string
  readonly serviceType: ServiceState["serviceType"]
  readonly serviceName: ServiceState["serviceName"]
  readonly isAvailable: boolean
  readonly at: DateTime.Utc
}

/** By what a check knows of it. */
export interface Known {
  readonly uid: string
  readonly ip: string
  readonly partition: string
}

export const ofState = (state: ServiceState): ReadonlyArray<Checked> => {
  const kind = kindOf(state)
  if (kind === undefined) return []
  const { agentId, available, partition, pollerId, reportedAt, serviceName, serviceType } = state
  const said = { kind, partition, agentId, pollerId, serviceName, serviceType, isAvailable: available, at: reportedAt }
  if (kind === "snmp") return [...new Set(hostsOf(state))].map((ip) => ({ ...said, uid: "", ip }))
  return DeviceSightings.ofStatus(state, { ...state, responseTimeNanos: 0n, source: "getStatus" })
    .map(({ ip, uid }) => ({ ...said, uid, ip }))
}

export const isOf = ({ ip, partition, uid }: Checked, device: Known): boolean =>
  uid === "" ? ip !== "" && ip === device.ip && partition === device.partition : uid === device.uid
