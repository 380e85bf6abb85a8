/** How long a message waits that could not be stored this time: longer with each delivery, never the same for all. */
import type { Duration } from "effect"
import * as Backoff from "../../backoff/Backoff.ts"

const backoff = { from: "1 second", to: "1 minute" } as const

/** `deliveries` counts from 1; `random` from 0 to 1. */
export const after = (deliveries: number, random: number): Duration.Duration =>
  Backoff.delay(backoff, deliveries - 1, random)
