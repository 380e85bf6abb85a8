/**
 * Counts the messages that were received and not yet settled, and holds the producers back at the limit. This count,
 * not the queues, is the pipeline's back-pressure: queues are as long as the limit and so never block a stage, hence
 * no two stages can wait for each other.
 */
import { type Effect, Latch } from "effect"

export class InFlight {
  readonly max: number
  #count = 0
  readonly #room = Latch.makeUnsafe(true)
  readonly #idle = Latch.makeUnsafe(true)
  /** Waits until there is room for at least one message. */
  readonly awaitRoom: Effect.Effect<void> = this.#room.await
  /** Waits until nothing is in flight. */
  readonly awaitIdle: Effect.Effect<void> = this.#idle.await

  constructor(max: number) {
    this.max = max
  }

  get count(): number {
    return this.#count
  }

  get room(): number {
    return Math.max(0, this.max - this.#count)
  }

  add(messages: number): void {
    this.#count += messages
    if (this.#count > 0) this.#idle.closeUnsafe()
    if (this.room === 0) this.#room.closeUnsafe()
  }

  remove(messages: number): void {
    this.#count -= messages
    if (this.room > 0) this.#room.openUnsafe()
    if (this.#count === 0) this.#idle.openUnsafe()
  }
}
