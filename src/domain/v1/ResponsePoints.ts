/** Response times of pings, which are the existing core's metrics of a poller. */
import { DateTime } from "effect"
import type { PastStatus } from "../core/PastStatus.ts"
import { hostOf } from "./Measured.ts"

export interface ResponsePoint {
  readonly timestamp: string
  /** In nanoseconds. */
  readonly response_time: number
  readonly service_name: string
  readonly device_id?: string
  readonly partition?: string
  readonly agent_id?: string
  readonly poller_id?: string
}

/** The oldest first, as they are drawn; none of a ping that nobody has answered, which took no time that is known. */
export const points = (statuses: ReadonlyArray<PastStatus>): ReadonlyArray<ResponsePoint> =>
  statuses.filter(({ responseTimeNanos }) => responseTimeNanos > 0).map((status) => {
    const ip = hostOf(status)
    return {
      timestamp: DateTime.formatIso(status.reportedAt),
      response_time: status.responseTimeNanos,
      service_name: status.serviceName,
      ...(ip === "" ? {} : { device_id: `${status.partition}:${ip}` }),
      partition: status.partition,
      agent_id: status.agentId,
      poller_id: status.pollerId
    }
  }).toReversed()
