/** How long a message waits that could not be stored this time: longer with each delivery, never the same for all. */
import { Duration } from "effect"

const firstMillis = 1_000
const maxMillis = 60_000

/** `deliveries` counts from 1; `jitter` is a random number in [0, 1). */
export const after = (deliveries: number, jitter: number): Duration.Duration => {
  const base = Math.min(maxMillis, firstMillis * 2 ** Math.min(16, Math.max(0, deliveries - 1)))
  return Duration.millis(Math.round(base * (0.75 + 0.5 * jitter)))
}
