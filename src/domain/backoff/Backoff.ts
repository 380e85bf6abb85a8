/**
 * How long to wait before trying again: twice as long each time, never longer than a limit, and never the same for all
 * who wait, so that they do not return together (jitter of 80 to 120 %).
 */
import { Duration, Schedule } from "effect"

export interface CappedOptions {
  /** The first wait. */
  readonly from: Duration.Input
  /** The longest wait, before jitter. */
  readonly to: Duration.Input
  /** What each wait is longer than the one before. Default 2. */
  readonly factor?: number
}

/** Without an end: whoever retries says by `times` or `while` when to stop, or never does, as for a peer that is away. */
export const capped = ({ factor = 2, from, to }: CappedOptions) =>
  Schedule.jittered(Schedule.min([Schedule.exponential(from, factor), Schedule.spaced(to)]))

/** More make no wait longer, and would be no number in the end. */
const retriesMax = 64

/** The wait that `capped` has after `retries` others, for loops that are no retries; `random` from 0 to 1. */
export const delay = ({ factor = 2, from, to }: CappedOptions, retries: number, random: number): Duration.Duration => {
  const first = Duration.toMillis(Duration.fromInputUnsafe(from))
  const longest = Duration.toMillis(Duration.fromInputUnsafe(to))
  const exponent = Math.min(retriesMax, Math.max(0, retries))
  return Duration.millis(Math.min(longest, first * factor ** exponent) * (0.8 + 0.4 * random))
}
