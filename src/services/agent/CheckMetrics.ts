/**
 * What an agent counts of its checks. Types are those of the table, and `plugin` for all that plugins answer, so the number
 * of series is known.
 */
import { type Context, Metric } from "effect"
import type { ProbeResult } from "../../domain/monitoring/checks/ProbeResult.ts"

const checks = Metric.counter("agent_checks_total", {
  description: "Checks that were made, by type and outcome",
  incremental: true
})

const checkSeconds = Metric.histogram("agent_check_duration_seconds", {
  description: "Time from asking for a check to its result, by type",
  boundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
})

const ofType = (service_type: string) => ({
  available: Metric.withAttributes(checks, { service_type, outcome: "available" }),
  unavailable: Metric.withAttributes(checks, { service_type, outcome: "unavailable" }),
  seconds: Metric.withAttributes(checkSeconds, { service_type })
})

export type CheckMetrics = (serviceType: string, result: ProbeResult, elapsedNanos: number) => void

/** Made once for each type; counts in the registry of this context. */
export const make = (serviceTypes: ReadonlyArray<string>, context: Context.Context<never>): CheckMetrics => {
  const others = ofType("plugin")
  const metrics = new Map(serviceTypes.map((type) => [type, ofType(type)]))
  return (serviceType, { available }, elapsedNanos) => {
    const found = metrics.get(serviceType) ?? others
    const outcome = available ? found.available : found.unavailable
    outcome.updateUnsafe(1, context)
    found.seconds.updateUnsafe(elapsedNanos / 1e9, context)
  }
}
