/**
 * One time limit for many: each is looked at in the order in which it came, so that nobody needs a timer of its own.
 */

import { every } from "../../../sockets/Timer.ts"

const looksPerLimit = 4
const lookMillisMax = 1_000

export class Deadlines {
  readonly #millis: number
  /** When each came, and what follows when it is still here after the limit. */
  readonly #waiting = new Map<object, { readonly sinceMillis: number; readonly expired: () => void }>()
  #stop: (() => void) | undefined

  /** Infinite: no limit. */
  constructor(millis: number) {
    this.#millis = millis
  }

  /** Once more: the limit begins anew. */
  add(key: object, expired: () => void): void {
    if (this.#millis === Infinity) return
    this.#waiting.delete(key)
    this.#waiting.set(key, { sinceMillis: performance.now(), expired })
    this.#stop ??= every(Math.min(lookMillisMax, this.#millis / looksPerLimit), () => this.#look())
  }

  delete(key: object): void {
    this.#waiting.delete(key)
  }

  #look(): void {
    const before = performance.now() - this.#millis
    for (const [key, { expired, sinceMillis }] of this.#waiting) {
      if (sinceMillis > before) return
      this.#waiting.delete(key)
      expired()
    }
    if (this.#waiting.size > 0) return
    this.#stop?.()
    this.#stop = undefined
  }
}
