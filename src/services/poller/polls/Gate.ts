/**
 * A latch of which a fleet has thousands: one small object, where Effect's keeps every one of its effects for each.
 */
import { Effect } from "effect"

export class Gate {
  #isOpen: boolean
  #waiting: Set<() => void> | undefined = undefined

  constructor(isOpen = false) {
    this.#isOpen = isOpen
  }

  isOpen(): boolean {
    return this.#isOpen
  }

  /** Whoever waits goes on before this returns. */
  openUnsafe(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    this.releaseUnsafe()
  }

  closeUnsafe(): void {
    this.#isOpen = false
  }

  /** Those who wait now go on; whoever comes later waits as before. */
  releaseUnsafe(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    for (const act of waiting ?? []) act()
  }

  /** Calls `act` once, at once if it is open; answers how to prevent it. */
  whenOpen(act: () => void): () => void {
    if (this.#isOpen) {
      act()
      return () => {}
    }
    const waiting = this.#waiting ??= new Set()
    waiting.add(act)
    return () => waiting.delete(act)
  }

  /** Whoever waits goes on at the next turn of this fiber's. */
  get open(): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      if (this.#isOpen) return Effect.void
      this.#isOpen = true
      const waiting = this.#waiting
      this.#waiting = undefined
      if (waiting !== undefined) {
        fiber.currentDispatcher.scheduleTask(() => {
          for (const act of waiting) act()
        }, 0)
      }
      return Effect.void
    })
  }

  get close(): Effect.Effect<void> {
    return Effect.sync(() => this.closeUnsafe())
  }

  get await(): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      if (this.#isOpen) return resume(Effect.void)
      return Effect.sync(this.whenOpen(() => resume(Effect.void)))
    })
  }
}
