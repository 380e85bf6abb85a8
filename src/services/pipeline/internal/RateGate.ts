/**
 * The rate limit that all producers of a pipeline share. It may change at any time: whoever waits for the old window
 * looks again at once. What the running window has let pass counts under the new limit too.
 */
import { Duration, Effect } from "effect"
import * as RateWindow from "../../../domain/pipeline/RateWindow.ts"
import * as Monotonic from "../../clock/Monotonic.ts"

export interface RateLimitOptions {
  /** Messages in each window; at least 1. */
  readonly allowed: number
  readonly interval: Duration.Input
}

export class RateGate {
  #limit: RateWindow.RateLimit | undefined
  #window = RateWindow.fresh
  #changes = 0
  readonly #waiting = new Set<() => void>()
  /** Waits until at least one message may pass. */
  readonly awaitOpen: Effect.Effect<void> = Effect.suspend(() =>
    this.#limit === undefined ? Effect.void : Effect.flatMap(Monotonic.millis, (now) => this.#wait(now))
  )

  constructor(limit: RateLimitOptions | undefined) {
    this.#limit = limit === undefined ? undefined : toLimit(limit)
  }

  /** `undefined` lifts the limit. */
  change(limit: RateLimitOptions | undefined): void {
    this.#limit = limit === undefined ? undefined : toLimit(limit)
    this.#changes += 1
    // Who wakes may wait again at once, for the next change.
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }

  /** How many may pass now; correct until the caller suspends. */
  get remaining(): number {
    return this.#limit === undefined ? Number.POSITIVE_INFINITY : RateWindow.remaining(this.#window, this.#limit)
  }

  use(messages: number): void {
    if (this.#limit !== undefined) this.#window = RateWindow.use(this.#window, messages)
  }

  #wait(nowMillis: number): Effect.Effect<void> {
    if (this.#limit === undefined) return Effect.void
    this.#window = RateWindow.at(this.#window, this.#limit, nowMillis)
    if (this.remaining > 0) return Effect.void
    const pause = Duration.millis(RateWindow.waitMillis(this.#window, this.#limit, nowMillis))
    return Effect.andThen(Effect.timeoutOption(this.#changeAfter(this.#changes), pause), this.awaitOpen)
  }

  /** Ends at once when the limit has changed since the look: a change between the look and the wait is not missed. */
  #changeAfter(seen: number): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const wake = (): void => resume(Effect.void)
      if (this.#changes !== seen) return wake()
      this.#waiting.add(wake)
      return Effect.sync(() => this.#waiting.delete(wake))
    })
  }
}

const toLimit = ({ allowed, interval }: RateLimitOptions): RateWindow.RateLimit => ({
  allowed,
  intervalMillis: Duration.toMillis(Duration.fromInputUnsafe(interval))
})
