/** Waits between attempts of a loop that is no retry: each longer than the one before, as `Backoff.capped` has them. */
import { Effect, Random } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"

export interface Pause {
  readonly wait: Effect.Effect<void>
  /** After success: the next wait is the first again. */
  readonly reset: () => void
}

export const make = (options: Backoff.CappedOptions): Pause => {
  let retries = 0
  return {
    wait: Effect.flatMap(Random.next, (random) => Effect.sleep(Backoff.delay(options, retries++, random))),
    reset: () => {
      retries = 0
    }
  }
}
