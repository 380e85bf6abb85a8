/** Messages that have come and are not read yet, as `ObjectStream` reads them. */

/** Equal to what `ObjectStream` takes at a time. */
const heldMax = 16
/** Whoever does not read keeps no more of the peer's than this and a message. */
const heldBytesMax = 1_048_576

export class Messages<in out A> {
  readonly #resume: () => void
  #held: Array<A> = []
  #bytes = 0
  #isPaused = false
  wake: () => void = () => {}

  constructor(resume: () => void) {
    this.#resume = resume
  }

  /** `false` when the next ones must wait. */
  push(message: A, bytes: number): boolean {
    this.#held.push(message)
    this.#bytes += bytes
    this.wake()
    this.#isPaused = this.#held.length >= heldMax || (this.#held.length > 0 && this.#bytes >= heldBytesMax)
    return !this.#isPaused
  }

  /** Null when there is none. */
  read(): A | null {
    const next = this.#held.shift() ?? null
    if (this.#held.length === 0) this.#bytes = 0
    if (this.#isPaused && this.#held.length === 0) {
      this.#isPaused = false
      this.#resume()
    }
    return next
  }

  on(_event: string, listener: () => void): void {
    this.wake = listener
  }
}
