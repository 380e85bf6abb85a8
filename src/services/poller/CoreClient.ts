/**
 * Hands reports to core. Succeeds only when core has acknowledged; nothing is retried here.
 */
import { Context, type Duration, type Effect, Schema } from "effect"
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

/** Core takes no message as large as one of this report. */
export class ReportTooLarge extends Schema.TaggedError<ReportTooLarge>()("ReportTooLarge", {
  ...detail,
  /** What core says it takes. */
  bytesMax: Schema.Option(Schema.Number)
}) {}

export class CoreError extends Schema.TaggedError<CoreError>()("CoreError", {
  address: Schema.String,
  reason: Schema.Union([CoreAway, CoreFailed, ReportRejected, ReportTooLarge])
}) {
  override get message(): string {
    return `core at ${this.address}: ${this.reason._tag}: ${this.reason.detail}`
  }
}

export interface ReportHeader {
  /** The same when the same statuses are sent again, also by the next process; empty for what is in no buffer. */
  readonly reportId: string
  readonly pollerId: PollerId
  readonly partition: Partition
  /** Empty when none was found. */
  readonly sourceIp: string
  /** When the newest status of the report was measured; core takes it for all of them. */
  readonly timestampSeconds: bigint
  /** How often a report is to be expected. */
  readonly interval: Duration.Duration
}

/** What core says of itself when it takes a report. */
export interface Acknowledgement {
  /** Each report may hold some of the poller's checks; a core that does not say so takes a report for all there is. */
  readonly takesParts: boolean
}

export class CoreClient extends Context.Service<CoreClient, {
  /** How often a connection to core has broken: whoever answers next may be another core, or one that forgot. */
  readonly losses: Effect.Effect<number>
  /** Asks core without reporting anything. */
  readonly takesParts: Effect.Effect<boolean, CoreError>
  /** Empty statuses are a heartbeat. */
  readonly report: (
    header: ReportHeader,
    statuses: ReadonlyArray<ServiceStatus>
  ) => Effect.Effect<Acknowledgement, CoreError>
  readonly stream: (header: ReportHeader, chunks: Iterable<Chunk>) => Effect.Effect<Acknowledgement, CoreError>
}>()("serviceradar/services/poller/CoreClient") {}
