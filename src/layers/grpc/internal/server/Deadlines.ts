/**
 * One time limit for many: each is looked at in the order in which it came, so that nobody needs a timer of its own.
 */

import { type Member, Ring } from "../../../../domain/churn/Ring.ts"
import { every } from "../../../sockets/Timer.ts"

const looksPerLimit = 4
const lookMillisMax = 1_000

interface Waiting {
  readonly sinceMillis: number
  readonly expired: () => void
}

/** To be given back. */
export type Deadline = Member<Waiting>

export class Deadlines {
  readonly #millis: number
  readonly #waiting = new Ring<Waiting>()
  #stop: (() => void) | undefined

  /** Infinite: no limit. */
  constructor(millis: number) {
    this.#millis = millis
  }

  /** What follows when it is still here after the limit. */
  add(expired: () => void): Deadline | undefined {
    if (this.#millis === Infinity) return undefined
    this.#stop ??= every(Math.min(lookMillisMax, this.#millis / looksPerLimit), () => this.#look())
    return this.#waiting.add({ sinceMillis: performance.now(), expired })
  }

  delete(deadline: Deadline | undefined): void {
    if (deadline !== undefined) this.#waiting.delete(deadline)
  }

  #look(): void {
    const before = performance.now() - this.#millis
    for (let next = this.#waiting.first; next !== undefined; next = this.#waiting.first) {
      if (next.value.sinceMillis > before) return
      this.#waiting.delete(next)
      next.value.expired()
    }
    this.#stop?.()
    this.#stop = undefined
  }
}
