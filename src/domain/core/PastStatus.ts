/** What is kept of reports: statuses as they were, and pollers by all that they have said. */
import type { DateTime } from "effect"
import type { ServiceState } from "../monitoring/reports/ServiceState.ts"

export type PastStatus = Pick<
  ServiceState,
  | "partition"
  | "agentId"
  | "serviceType"
  | "serviceName"
  | "pollerId"
  | "available"
  | "responseTimeNanos"
  | "message"
  | "reportedAt"
>

export interface ReportingPoller {
  readonly pollerId: string
  readonly partition: string
  readonly sourceIp: string
  readonly firstSeenAt: DateTime.Utc
  readonly lastSeenAt: DateTime.Utc
  readonly isMissed: boolean
  /** Whether all its services are available; true of none. */
  readonly isAllAvailable: boolean
}

export interface PollerHealth {
  readonly at: DateTime.Utc
  readonly isHealthy: boolean
}
