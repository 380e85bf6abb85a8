/**
 * Metrics of a supervisor, labelled with the name that it has for them: supervisors of one name add up, so that thousands of
 * alike ones, each with an id from data, are one series.
 */
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
  /** None of its children count any more. */
  readonly ended: () => void
}

/** Updates are plain calls, for they happen where a fiber ends. */
export const make = (name: string, context: Context.Context<never>): SupervisionMetrics => {
  const label = { supervisor: name }
  let counted = 0
  const restarts = Metric.withAttributes(restartsTotal, label)
  const running = Metric.withAttributes(children, label)
  const recovery = Metric.withAttributes(recoverySeconds, label)
  return {
    restarted: () => restarts.updateUnsafe(1, context),
    recovered: (seconds) => recovery.updateUnsafe(seconds, context),
    running: (count) => {
      running.modifyUnsafe(count - counted, context)
      counted = count
    },
    ended: () => {
      running.modifyUnsafe(-counted, context)
      counted = 0
    }
  }
}
