/** One status of a check as a poller measured it, for comparing pollers. */
import type { Option } from "effect"

export interface Sample {
  readonly atMillis: number
  readonly agentId: string
  readonly serviceType: string
  readonly serviceName: string
  readonly available: boolean
  /** 0 when nothing was measured. */
  readonly responseTimeNanos: number
  readonly source: string
  /** None for one that was not kept. */
  readonly message: Option.Option<string>
}

/** Inclusive. */
export interface TimeRange {
  readonly firstMillis: number
  readonly lastMillis: number
}

/** Goes along in a report that it was not measured for. */
export const isMeasured = ({ source }: Sample): boolean => source !== "lastKnown"
