/**
 * The open calls of a session, by their numbers, which only grow.
 *
 * No `Map`: one that gets and loses an entry with each call is made anew every few calls, and V8's old table, once it is among
 * what is old, keeps the new one and the call in it from every short collection, and so on until the next whole one. A poller
 * of 300 agents copied the remains of 360 calls each time, which was most of what it stood still for.
 */
import type { WireStream } from "./WireStream.ts"

export class OpenStreams {
  /** By number; all of them are above 0. */
  readonly #streams: Array<WireStream> = []

  get size(): number {
    return this.#streams.length
  }

  [Symbol.iterator](): Iterator<WireStream> {
    return [...this.#streams].values()
  }

  get(id: number): WireStream | undefined {
    const found = this.#streams[this.#indexFrom(id)]
    return found?.id === id ? found : undefined
  }

  /** Its number is greater than that of all before it. */
  push(stream: WireStream): void {
    this.#streams.push(stream)
  }

  /** Whether it was there. */
  remove(id: number): boolean {
    const index = this.#indexFrom(id)
    if (this.#streams[index]?.id !== id) return false
    if (index === this.#streams.length - 1) this.#streams.pop()
    else this.#streams.splice(index, 1)
    return true
  }

  /** Those with greater numbers are open no more. */
  takeAbove(id: number): ReadonlyArray<WireStream> {
    return this.#streams.splice(this.#indexFrom(id + 1))
  }

  /** Of the first with this number or a greater one. */
  #indexFrom(id: number): number {
    let low = 0
    let high = this.#streams.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#streams[middle]?.id ?? 0) < id) low = middle + 1
      else high = middle
    }
    return low
  }
}
