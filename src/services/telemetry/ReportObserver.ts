/**
 * Is told of each report that has been stored, after it was; does nothing unless somebody listens.
 *
 * The poller waits for its answer meanwhile, so whoever listens returns at once. What it throws costs a line in the log,
 * no answer.
 */
import { Context, Effect } from "effect"
import type { AvailabilityChange } from "../../domain/monitoring/reports/AvailabilityChange.ts"
import type { StatusReport } from "../../domain/monitoring/reports/StatusReport.ts"

export interface StoredReport {
  readonly report: StatusReport
  readonly changes: ReadonlyArray<AvailabilityChange>
  readonly receivedAtMillis: number
}

export const ReportObserver = Context.Reference<(stored: StoredReport) => void>(
  "serviceradar/services/core/ReportObserver",
  { defaultValue: () => () => undefined }
)

export const tell = (stored: StoredReport): Effect.Effect<void> =>
  Effect.map(ReportObserver, (observe) => observe(stored)).pipe(
    Effect.ignoreCause({ log: "Warn", message: "A report could not be told of" })
  )
