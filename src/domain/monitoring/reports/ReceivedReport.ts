/**
 * A report as it arrived, before anything in it is believed.
 *
 * Ids are plain strings because peers may leave them empty; `StatusReport` is what remains after the check.
 */
import { kindOf } from "../ServiceKinds.ts"
import type { ServiceStatus } from "./ServiceStatus.ts"

export interface ReceivedStatus {
  readonly serviceName: string
  readonly serviceType: string
  readonly available: boolean
  readonly message: Uint8Array
  readonly responseTimeNanos: bigint
  readonly agentId: string
  readonly partition: string
  readonly source: string
  readonly kvStoreId: string
}

export interface ReportHead {
  readonly pollerId: string
  readonly agentId: string
  readonly partition: string
  readonly sourceIp: string
  /** Unix seconds on the poller's clock. */
  readonly timestampSeconds: bigint
  /** When the next report is to be expected; absent when the poller does not say. */
  readonly intervalMillis?: number
  /** The name in the certificate with which it came. */
  readonly peer?: string
}

export interface ReceivedReport extends ReportHead {
  readonly services: ReadonlyArray<ReceivedStatus>
}

/** One message of a streamed report. */
export interface ReceivedChunk extends ReceivedReport {
  readonly isFinal: boolean
}

/** `source` as the wire spells it, for a status whose source got lost on the way (slices carry none). */
export const sourceOf = (status: Pick<ReceivedStatus, "source" | "serviceType">): ServiceStatus["source"] => {
  const source = status.source.toLowerCase()
  if (source === "lastknown") return "lastKnown"
  if (source !== "") return source === "results" ? "results" : "getStatus"
  return kindOf(status.serviceType).results !== undefined ? "results" : "getStatus"
}
