/**
 * What is known about a service now: its newest status and since when it has been up or down.
 *
 * The Schema is the JSON of `/api/services`. Response times are numbers there: 2^53 nanoseconds are 104 days.
 */
import { Schema } from "effect"
import { AgentId, Partition, PollerId, ServiceName, ServiceType } from "../Ids.ts"

export const ServiceState = Schema.Struct({
  partition: Partition,
  agentId: AgentId,
  serviceType: ServiceType,
  serviceName: ServiceName,
  /** Who reported it last. */
  pollerId: PollerId,
  sourceIp: Schema.String,
  available: Schema.Boolean,
  responseTimeNanos: Schema.Finite,
  /** The check's own document, as text. */
  message: Schema.String,
  source: Schema.String,
  kvStoreId: Schema.String,
  /** On the poller's clock. */
  reportedAt: Schema.DateTimeUtcFromString,
  /** When `available` last took another value; the first report when it never did. */
  lastChangeAt: Schema.DateTimeUtcFromString,
  firstSeenAt: Schema.DateTimeUtcFromString
})
export type ServiceState = typeof ServiceState.Type

/** Which services to list; absent means all. */
export interface ServiceFilter {
  readonly agent?: string
  readonly poller?: string
  readonly type?: string
  readonly name?: string
  readonly available?: boolean
  readonly partition?: string
  readonly limit: number
}
