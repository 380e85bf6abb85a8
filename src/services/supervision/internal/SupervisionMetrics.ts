/** Metrics of one supervisor, labelled with its path. */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"

export const restartsTotal = Metric.counter("supervisor_restarts_total", {
  description: "Restarts of children, attempts included",
  incremental: true
})

export const children = Metric.gauge("supervisor_children", { description: "Children that run" })

export const recoverySeconds = Metric.histogram("supervisor_recovery_seconds", {
  description: "From the end of a child to its next successful start",
  boundaries: Metric.exponentialBoundaries({ start: 0.0005, factor: 4, count: 10 })
})

export interface SupervisionMetrics {
  readonly restarted: () => void
  readonly recovered: (seconds: number) => void
  readonly running: (count: number) => void
  /** Takes the supervisor's gauge away when it has ended. */
  readonly remove: () => void
}

/** Updates are plain calls, for they happen where a fiber ends. */
export const make = (path: string, context: Context.Context<never>): SupervisionMetrics => {
  const label = { supervisor: path }
  const restarts = Metric.withAttributes(restartsTotal, label)
  const running = Metric.withAttributes(children, label)
  const recovery = Metric.withAttributes(recoverySeconds, label)
  return {
    restarted: () => restarts.updateUnsafe(1, context),
    recovered: (seconds) => recovery.updateUnsafe(seconds, context),
    running: (count) => running.updateUnsafe(count, context),
    remove: () => Metric.removeUnsafe(running, context)
  }
}
