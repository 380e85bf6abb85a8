/**
 * Agents that asked to be taken and were not: each is counted, and the log has the first few of each minute, because
 * whoever announces what cannot be taken does so again and again.
 */
import { Effect, Metric } from "effect"
import * as PrintableText from "../../../domain/config/PrintableText.ts"
import * as RateWindow from "../../../domain/pipeline/RateWindow.ts"
import type { ArrivalSource } from "../../../domain/poller/discovery/Arrival.ts"
import type * as ArrivalTable from "../../../domain/poller/discovery/ArrivalTable.ts"
import * as Monotonic from "../../clock/Monotonic.ts"
import * as PollerMetrics from "../PollerMetrics.ts"

export interface Refused {
  readonly source: Extract<ArrivalSource, "nats" | "registration">
  /** `unreadable`: what it said is no announcement. */
  readonly reason: ArrivalTable.Refusal | "unreadable"
  readonly detail: string
}

const lines: RateWindow.RateLimit = { allowed: 10, intervalMillis: 60_000 }
/** Whoever is refused writes a part of it. */
const detailLengthMax = 400

export const make = (): (refused: Refused) => Effect.Effect<void> => {
  let window = RateWindow.fresh
  let untold = 0
  return ({ detail, reason, source }) =>
    Effect.gen(function*() {
      yield* Metric.update(Metric.withAttributes(PollerMetrics.refusedAgents, { source, reason }), 1)
      window = RateWindow.at(window, lines, yield* Monotonic.millis)
      if (RateWindow.remaining(window, lines) === 0) {
        untold += 1
        return
      }
      window = RateWindow.use(window, 1)
      const before = untold === 0 ? "" : ` (${untold} more since the last line of this kind)`
      untold = 0
      yield* Effect.logWarning(
        `an agent that came by ${source} is not taken: ${PrintableText.shortened(detail, detailLengthMax)}${before}`
      )
    })
}
