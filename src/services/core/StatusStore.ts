/**
 * Keeps what pollers report: every status in a history, the newest of each service as its current state.
 *
 * Appending the same report again adds nothing, so a poller that got no answer simply sends it again. When `append`
 * succeeds, the whole report is durable; when it fails, none of it is.
 */
import { Context, type DateTime, type Duration, type Effect, Schema } from "effect"
import type { PollerTurn } from "../../domain/core/PollerTurn.ts"
import type { AvailabilityChange } from "../../domain/monitoring/reports/AvailabilityChange.ts"
import type { Remembered } from "../../domain/monitoring/reports/PollerPresence.ts"
import type { ServiceFilter, ServiceState } from "../../domain/monitoring/reports/ServiceState.ts"
import type { StatusReport } from "../../domain/monitoring/reports/StatusReport.ts"

/** The database cannot be reached or is not ready yet; the same call may succeed later. */
export class StoreUnavailable extends Schema.TaggedError<StoreUnavailable>()("StoreUnavailable", {
  detail: Schema.String
}) {}

/** The database refuses this very request; repeating it changes nothing. */
export class StoreRefused extends Schema.TaggedError<StoreRefused>()("StoreRefused", {
  detail: Schema.String
}) {}

export class StatusStoreError extends Schema.TaggedError<StatusStoreError>()("StatusStoreError", {
  operation: Schema.String,
  reason: Schema.Union([StoreUnavailable, StoreRefused])
}) {
  override get message(): string {
    return `Status store, ${this.operation}: ${this.reason._tag}: ${this.reason.detail}`
  }
}

export interface Appended {
  readonly stored: number
  /** Statuses that were there already. */
  readonly repeated: number
  /** Services that are new, came up or went down with this report; none of a report that comes late. */
  readonly changes: ReadonlyArray<AvailabilityChange>
  /** What was known of the poller before; absent at its first report. */
  readonly poller?: Pick<Remembered, "isMissed">
}

export class StatusStore extends Context.Service<StatusStore, {
  readonly append: (report: StatusReport, receivedAt: DateTime.Utc) => Effect.Effect<Appended, StatusStoreError>
  /** All that have reported, as of their last report. */
  readonly pollers: Effect.Effect<ReadonlyArray<Remembered>, StatusStoreError>
  /** That the poller is missed, until its next report, and that this is to be told. Its return is to be told as well. */
  readonly noteMissed: (turn: PollerTurn) => Effect.Effect<void, StatusStoreError>
  /** That a loss or a return needs to be told no more. */
  readonly noteTold: (turn: PollerTurn) => Effect.Effect<void, StatusStoreError>
  /** Losses and returns that are still to be told, the oldest first. */
  readonly untold: Effect.Effect<ReadonlyArray<PollerTurn>, StatusStoreError>
  /** Ordered by partition, agent, type and name. */
  readonly current: (filter: ServiceFilter) => Effect.Effect<ReadonlyArray<ServiceState>, StatusStoreError>
  /** Removes history reported longer ago than `age`; current states stay. Returns how many rows went. */
  readonly removeOlderThan: (age: Duration.Duration) => Effect.Effect<number, StatusStoreError>
}>()("serviceradar/services/core/StatusStore") {}
