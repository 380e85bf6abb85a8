/**
 * How many may do something at the same time, as a semaphore: who comes when there is room takes its place in one step,
 * which a fleet pays for with each poll. The others wait, first come first served.
 */
import { Effect } from "effect"

export class Places {
  #free: number
  /** Told when they have a place. */
  readonly #waiting = new Set<() => void>()

  constructor(count: number) {
    this.#free = count
  }

  /** Whether there was room; then `leave` is to be called. */
  enter(): boolean {
    if (this.#free === 0) return false
    this.#free -= 1
    return true
  }

  leave(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#free += 1
      return
    }
    this.#waiting.delete(next)
    next()
  }

  /** Runs it when there is room. */
  readonly with = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.acquireUseRelease(this.#entered, () => effect, () => Effect.sync(() => this.leave()))

  readonly #entered: Effect.Effect<void> = Effect.interruptible(Effect.callback<void>((resume) => {
    if (this.enter()) return resume(Effect.void)
    const enter = () => resume(Effect.void)
    this.#waiting.add(enter)
    return Effect.sync(() => {
      // A place that was given in the moment of the interruption goes to the next.
      if (!this.#waiting.delete(enter)) this.leave()
    })
  }))
}
