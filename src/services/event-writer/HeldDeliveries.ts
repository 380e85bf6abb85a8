/**
 * The deliveries that a stream's writer has and has not settled, extended while they wait so that the server does not
 * give them to somebody else.
 */
import { Duration, Effect, Latch } from "effect"
import { ChurningSet } from "../../domain/churn/ChurningSet.ts"
import type { Delivery } from "../events/EventSource.ts"

/** Extensions per `ackWait`: one may get lost. */
const perAckWait = 3

export class HeldDeliveries {
  /** Came since the last round. */
  readonly #fresh = new ChurningSet<Delivery>()
  readonly #waiting = new ChurningSet<Delivery>()
  readonly #room = Latch.makeUnsafe(true)
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Payload bytes that may still be fetched. */
  get bytesLeft(): number {
    return Math.max(0, this.#bytesMax - this.#bytes)
  }

  get awaitRoom(): Effect.Effect<void> {
    return this.#room.await
  }

  get count(): number {
    return this.#fresh.size + this.#waiting.size
  }

  add(deliveries: ReadonlyArray<Delivery>): void {
    for (const delivery of deliveries) {
      this.#fresh.add(delivery)
      this.#bytes += delivery.message.data.length
    }
    if (this.#bytes >= this.#bytesMax) this.#room.closeUnsafe()
  }

  /** Before it is settled, for nothing may extend it afterwards. */
  release(delivery: Delivery): void {
    if (!this.#fresh.delete(delivery) && !this.#waiting.delete(delivery)) return
    this.#bytes -= delivery.message.data.length
    if (this.#bytes < this.#bytesMax) this.#room.openUnsafe()
  }

  /** One round: extends what was here at the round before. */
  extend(): number {
    for (const delivery of this.#waiting) delivery.extend()
    const extended = this.#waiting.size
    for (const delivery of this.#fresh) this.#waiting.add(delivery)
    this.#fresh.clear()
    return extended
  }

  /** Rounds for ever. */
  keepExtended(ackWait: Duration.Duration): Effect.Effect<never> {
    const pause = Duration.times(ackWait, 1 / (perAckWait + 1))
    return Effect.forever(Effect.andThen(Effect.sleep(pause), Effect.sync(() => this.extend())))
  }
}
