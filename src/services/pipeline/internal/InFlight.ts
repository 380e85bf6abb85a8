/**
 * Counts the messages that were passed to the stages and not yet settled, and holds the producers back at the limit.
 * This count, not the inboxes, is the pipeline's back-pressure: an inbox never blocks a stage, hence no two stages can
 * wait for each other.
 */
import { type Effect, Latch } from "effect"

export class InFlight {
  readonly max: number
  readonly #roomMin: number
  #count = 0
  readonly #room = Latch.makeUnsafe(true)
  readonly #roomForDemand = Latch.makeUnsafe(true)
  readonly #idle = Latch.makeUnsafe(true)
  /** Waits until there is room for at least one message. */
  readonly awaitRoom: Effect.Effect<void> = this.#room.await
  /** Waits until there is room for the smallest demand. */
  readonly awaitRoomForDemand: Effect.Effect<void> = this.#roomForDemand.await
  /** Waits until nothing is in flight. */
  readonly awaitIdle: Effect.Effect<void> = this.#idle.await

  constructor(max: number, roomMin = 1) {
    this.max = max
    this.#roomMin = Math.min(roomMin, max)
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
    if (this.room < this.#roomMin) this.#roomForDemand.closeUnsafe()
  }

  remove(messages: number): void {
    this.#count -= messages
    // Who is woken runs at once and may fill the room again: each question is asked anew.
    if (this.room > 0) this.#room.openUnsafe()
    if (this.room >= this.#roomMin) this.#roomForDemand.openUnsafe()
    if (this.#count === 0) this.#idle.openUnsafe()
  }
}
