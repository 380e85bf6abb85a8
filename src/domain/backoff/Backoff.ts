/**
 * How long to wait before trying again: twice as long each time, never longer than a limit, and never the same for all
 * who wait, so that they do not return together (jitter of 80 to 120 %).
 */
import { type Duration, Schedule } from "effect"

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
