/**
 * How fast statuses go to core at most, so that what waited for a day does not come down on it at once.
 *
 * A second's worth goes at once, which is many times what a poller measures in one; after that the rate counts.
 */
import { Duration } from "effect"

export interface DrainPace {
  /** Statuses a second. */
  readonly rate: number
  /** May go at once; below 0 when more went than should have, as a batch is not divided. */
  credit: number
  atMillis: number
}

const rateDefault = 2_000
/** Of what the poller measures: it must never measure more than it may report. */
const headroom = 4

export const rateFor = (wanted: number | undefined, checks: number, interval: Duration.Duration): number =>
  Math.max(wanted ?? rateDefault, (headroom * checks) / Math.max(Duration.toSeconds(interval), 0.001))

export const make = (rate: number, nowMillis: number): DrainPace => ({ rate, credit: rate, atMillis: nowMillis })

const refill = (pace: DrainPace, nowMillis: number): void => {
  const passed = Math.max(0, nowMillis - pace.atMillis)
  pace.credit = Math.min(pace.rate, pace.credit + (passed * pace.rate) / 1_000)
  pace.atMillis = nowMillis
}

/** How long the next statuses are to wait. */
export const untilNext = (pace: DrainPace, nowMillis: number): Duration.Duration => {
  refill(pace, nowMillis)
  return Duration.millis(Math.max(0, Math.ceil((-pace.credit * 1_000) / pace.rate)))
}

/** So many went. */
export const charge = (pace: DrainPace, statuses: number, nowMillis: number): void => {
  refill(pace, nowMillis)
  pace.credit -= statuses
}
