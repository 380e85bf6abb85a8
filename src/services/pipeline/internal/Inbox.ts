/**
 * What waits for a stage. Taking is one synchronous step, so a stage that is interrupted holds either all of what it
 * took or nothing; waiting is apart from it and takes nothing. It needs no bound of its own: whoever fills it holds to
 * the limit of messages in flight.
 */
import { type Effect, Latch } from "effect"

/** Taken entries are let go of when so many have gathered in front. */
const compactAt = 1024

export class Inbox<A> {
  #items: Array<A> = []
  #head = 0
  readonly #filled = Latch.makeUnsafe(false)
  /** Waits until something is there; another may take it first. */
  readonly awaitFilled: Effect.Effect<void> = this.#filled.await

  get size(): number {
    return this.#items.length - this.#head
  }

  offer(entry: A): void {
    this.#items.push(entry)
    this.#filled.openUnsafe()
  }

  offerAll(entries: ReadonlyArray<A>): void {
    if (entries.length === 0) return
    for (const entry of entries) this.#items.push(entry)
    this.#filled.openUnsafe()
  }

  /** At most `max`, possibly none. */
  take(max: number): Array<A> {
    if (this.#head === 0 && this.#items.length <= max) {
      const all = this.#items
      this.#items = []
      this.#filled.closeUnsafe()
      return all
    }
    const taken = this.#items.slice(this.#head, this.#head + max)
    this.#head += taken.length
    if (this.size === 0) {
      this.#items = []
      this.#head = 0
      this.#filled.closeUnsafe()
    } else if (this.#head >= compactAt) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return taken
  }
}
