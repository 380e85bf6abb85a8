/** A service whose availability is not what core knew before. */
import type { DateTime } from "effect"
import type { AgentId, Partition, PollerId, ServiceName, ServiceType } from "../Ids.ts"

export interface AvailabilityChange {
  readonly partition: Partition
  readonly agentId: AgentId
  readonly serviceType: ServiceType
  readonly serviceName: ServiceName
  readonly pollerId: PollerId
  /** Of the poller; empty when nobody said. */
  readonly sourceIp: string
  readonly available: boolean
  /** None of a service that core hears of for the first time. */
  readonly previous: boolean | undefined
  readonly reportedAt: DateTime.Utc
  /** The check's own document. */
  readonly document: string
}
