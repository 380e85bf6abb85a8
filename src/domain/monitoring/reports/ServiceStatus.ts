/**
 * The result of one check as a poller reports it to core.
 *
 * `message` holds the exact bytes of the wire: almost always UTF-8 JSON, but slices of a large message may split a
 * character, so it stays bytes until a whole message is there.
 */
import type { AgentId, Partition, PollerId, ServiceName, ServiceType } from "../Ids.ts"

/**
 * Which call produced the status: `GetStatus`, or `GetResults` and `StreamResults`; `lastKnown` goes along in a report that
 * it was not measured for.
 */
export type StatusSource = "getStatus" | "results" | "lastKnown"

export interface ServiceStatus {
  readonly serviceName: ServiceName
  readonly serviceType: ServiceType
  readonly available: boolean
  readonly message: Uint8Array
  /** Nanoseconds; 0 when nothing was measured. */
  readonly responseTimeNanos: bigint
  readonly agentId: AgentId
  readonly pollerId: PollerId
  readonly partition: Partition
  readonly source: StatusSource
  /** The poller's `kv_domain`, else its `kv_address`, else empty. */
  readonly kvStoreId: string
}
