/**
 * Where statuses wait until core has acknowledged them: in order, bounded, the oldest dropped first and counted.
 *
 * A batch that was taken is offered again, unchanged and with the same id, until it is settled: nothing is lost or
 * reordered when a send fails half-way. Whoever takes is alone.
 */
import { Context, Effect, Metric, type Option } from "effect"
import type * as ReportBuffer from "../../../domain/monitoring/reports/ReportBuffer.ts"
import type { StoredStatus } from "../../../domain/poller/segments/StoredStatus.ts"
import * as PollerMetrics from "../PollerMetrics.ts"

export interface WaitingStatus extends StoredStatus {
  /** Called once: core has it (`true`), or it was given up (`false`). Nobody waits for what was measured before a restart. */
  readonly settled?: ((isDelivered: boolean) => Effect.Effect<void>) | undefined
  /** Measured by a process before this one, whose configuration may have been another. */
  readonly isRecovered?: boolean
}

export interface Batch {
  /** The same for the same statuses, also after a restart where the buffer outlives one. */
  readonly id: string
  /** Never empty. */
  readonly statuses: ReadonlyArray<WaitingStatus>
}

/** How a batch is cut. `Distinct`: for a report that shows each check once. */
export type Cut =
  | { readonly _tag: "Parts"; readonly limits: ReportBuffer.BatchLimits }
  | { readonly _tag: "Distinct"; readonly limits: ReportBuffer.DistinctLimits }

export class StatusBuffer extends Context.Service<StatusBuffer, {
  /** Never waits and never fails. */
  readonly offer: (one: WaitingStatus) => Effect.Effect<void>
  /** What a process before this one left is known, or cannot be: from here on the oldest are taken first. */
  readonly isReady: Effect.Effect<void>
  /** The oldest that wait; none when nothing does. */
  readonly take: (cut: Cut) => Effect.Effect<Option.Option<Batch>>
  /** The batch in flight has arrived, or has been given up. */
  readonly settle: Effect.Effect<void>
  /** With those in flight. */
  readonly size: Effect.Effect<number>
  /** Where they outlive the program; none when they do not, now. */
  readonly folder: Effect.Effect<Option.Option<string>>
  /** Why they cannot be kept where they should be; they are kept in memory meanwhile. */
  readonly trouble: Effect.Effect<Option.Option<string>>
  /** What is to be done beside; until interrupted, then what is left to do. */
  readonly run: Effect.Effect<never>
}>()("serviceradar/services/poller/buffer/StatusBuffer") {}

/** `full`: more than the limits allow. `expired`: older than they allow. `rejected`: core will never take it. */
export type GivenUp = "full" | "expired" | "rejected" | "unreadable"

/** Statuses that are lost without anybody to hear of it are only counted. */
export const countGivenUp = (count: number, reason: GivenUp): Effect.Effect<void> =>
  count === 0
    ? Effect.void
    : Metric.update(Metric.withAttributes(PollerMetrics.reportsDropped, { reason }), count)

export const giveUp = (statuses: ReadonlyArray<WaitingStatus>, reason: GivenUp): Effect.Effect<void> =>
  Effect.andThen(
    countGivenUp(statuses.length, reason),
    Effect.forEach(statuses, ({ settled }) => settled?.(false) ?? Effect.void, { discard: true })
  )
