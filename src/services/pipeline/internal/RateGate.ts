/**
 * The rate limit that all producers of a pipeline share. It may change at any time: whoever waits for the old window
 * looks again at once. What the running window has let pass counts under the new limit too.
 */
import { Duration, Effect, Latch } from "effect"
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
  readonly #changed = Latch.makeUnsafe(false)
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
    this.#changed.openUnsafe()
    this.#changed.closeUnsafe()
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
    return Effect.andThen(Effect.timeoutOption(this.#changed.await, pause), this.awaitOpen)
  }
}

const toLimit = ({ allowed, interval }: RateLimitOptions): RateWindow.RateLimit => ({
  allowed,
  intervalMillis: Duration.toMillis(Duration.fromInputUnsafe(interval))
})
