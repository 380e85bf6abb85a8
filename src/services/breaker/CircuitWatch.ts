/** Follows the circuits of several breakers on one fiber. Cheaper than their streams: a fleet has thousands of breakers. */
import { Effect } from "effect"
import type { CircuitEvent, CircuitListener } from "./internal/CircuitEvents.ts"

export interface Watchable {
  /** Answers how to stop listening. */
  readonly watch: (listener: CircuitListener) => () => void
}

/** Events that nobody has taken; one more than `max` loses the oldest. */
class Inbox {
  readonly #max: number
  #events: Array<CircuitEvent> = []
  #wake: (() => void) | undefined = undefined

  constructor(max: number) {
    this.#max = max
  }

  offer(event: CircuitEvent): void {
    if (this.#events.length === this.#max) this.#events.shift()
    this.#events.push(event)
    this.#wake?.()
  }

  /** All that wait, once there is one. */
  readonly take = Effect.callback<ReadonlyArray<CircuitEvent>>((resume) => {
    const give = () => {
      const events = this.#events
      this.#events = []
      this.#wake = undefined
      resume(Effect.succeed(events))
    }
    if (this.#events.length > 0) return give()
    this.#wake = give
    return Effect.sync(() => {
      this.#wake = undefined
    })
  })
}

/**
 * Never ends by itself. Who takes so long that more than `max` events come meanwhile loses the oldest. `first` runs once
 * nothing that happens is missed.
 */
export const forEach = <E, R>(
  watched: ReadonlyArray<Watchable>,
  max: number,
  use: (event: CircuitEvent) => Effect.Effect<void, E, R>,
  first: Effect.Effect<void, E, R> = Effect.void
): Effect.Effect<never, E, R> =>
  Effect.suspend(() => {
    const inbox = new Inbox(max)
    const stops = watched.map((one) => one.watch((event) => inbox.offer(event)))
    const once = Effect.flatMap(inbox.take, (events) => Effect.forEach(events, use, { discard: true }))
    return Effect.onExit(Effect.andThen(first, Effect.forever(once)), () =>
      Effect.sync(() => stops.forEach((stop) => stop())))
  })
