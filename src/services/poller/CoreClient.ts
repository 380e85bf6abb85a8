/**
 * Hands reports to core. Succeeds only when core has acknowledged; nothing is retried here.
 */
import { Context, type Effect, Schema } from "effect"
import type { Partition, PollerId } from "../../domain/monitoring/Ids.ts"
import type { Chunk } from "../../domain/monitoring/reports/ReportBatch.ts"
import type { ServiceStatus } from "../../domain/monitoring/reports/ServiceStatus.ts"

const detail = { detail: Schema.String }

/** Core cannot be reached, is overloaded, or does not answer: the same report will be welcome later. */
export class CoreAway extends Schema.TaggedError<CoreAway>()("CoreAway", detail) {}

/** Core took the report and could not process it; that may or may not pass. */
export class CoreFailed extends Schema.TaggedError<CoreFailed>()("CoreFailed", detail) {}

/** Core will never take this report. */
export class ReportRejected extends Schema.TaggedError<ReportRejected>()("ReportRejected", detail) {}

export class CoreError extends Schema.TaggedError<CoreError>()("CoreError", {
  address: Schema.String,
  reason: Schema.Union([CoreAway, CoreFailed, ReportRejected])
}) {
  override get message(): string {
    return `core at ${this.address}: ${this.reason._tag}: ${this.reason.detail}`
  }
}

export interface ReportHeader {
  readonly pollerId: PollerId
  readonly partition: Partition
  /** Empty when none was found. */
  readonly sourceIp: string
  /** When the newest status of the report was measured; core takes it for all of them. */
  readonly timestampSeconds: bigint
}

export class CoreClient extends Context.Service<CoreClient, {
  /** Empty statuses are a heartbeat. */
  readonly report: (header: ReportHeader, statuses: ReadonlyArray<ServiceStatus>) => Effect.Effect<void, CoreError>
  readonly stream: (header: ReportHeader, chunks: Iterable<Chunk>) => Effect.Effect<void, CoreError>
}>()("serviceradar/services/poller/CoreClient") {}
