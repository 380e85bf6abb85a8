/**
 * Messages that wait to be published: bounded in number and bytes, where the oldest make room for new ones.
 */
import type { OutgoingEvent } from "../../../services/events/EventPublisher.ts"

export interface Waiting {
  readonly event: OutgoingEvent
  /** Lets the server know a second attempt for the first. */
  readonly id: string
  attempts: number
}

export interface OutgoingQueueOptions {
  readonly messagesMax: number
  readonly bytesMax: number
}

/** Slots of taken messages are given back when there are this many. */
const compactAt = 1_024

export class OutgoingQueue {
  readonly #options: OutgoingQueueOptions
  #items: Array<Waiting> = []
  #head = 0
  #bytes = 0

  constructor(options: OutgoingQueueOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#items.length - this.#head
  }

  /** How many had to go for it, itself included when it is larger than everything that may wait. */
  add(waiting: Waiting): number {
    this.#items.push(waiting)
    this.#bytes += waiting.event.data.length
    let dropped = 0
    while (this.size > this.#options.messagesMax || this.#bytes > this.#options.bytesMax) {
      this.#shift()
      dropped += 1
    }
    return dropped
  }

  take(count: number): ReadonlyArray<Waiting> {
    const taken: Array<Waiting> = []
    while (taken.length < count) {
      const next = this.#shift()
      if (next === undefined) return taken
      taken.push(next)
    }
    return taken
  }

  #shift(): Waiting | undefined {
    const first = this.#items[this.#head]
    if (first === undefined) return undefined
    this.#head += 1
    this.#bytes -= first.event.data.length
    if (this.#head >= compactAt || this.#head === this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return first
  }
}
