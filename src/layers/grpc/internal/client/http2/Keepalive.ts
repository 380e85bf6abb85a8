/**
 * Pings a connection on which calls run, and says when a ping is not answered. A connection without calls is pinged only
 * where that is asked for: servers answer it with GOAWAY unless they are told to permit it.
 */
import { later } from "../../../../sockets/Timer.ts"
import type { Session } from "./wire/Session.ts"

export interface KeepaliveOptions {
  /** Infinity for never. */
  readonly everyMillis: number
  readonly timeoutMillis: number
  readonly isWithoutCalls: boolean
}

export class Keepalive {
  readonly #options: KeepaliveOptions
  readonly #session: Session
  readonly #onSilence: () => void
  #calls = 0
  /** Of the next ping, or of the answer to the last one. */
  #cancelTimer: (() => void) | undefined
  /** The time for a ping has come while there was no call. */
  #isDue = false

  constructor(options: KeepaliveOptions, session: Session, onSilence: () => void) {
    this.#options = options
    this.#session = session
    this.#onSilence = onSilence
    this.#schedule()
  }

  began(): void {
    this.#calls += 1
    if (this.#calls === 1) this.#schedule()
  }

  ended(): void {
    this.#calls -= 1
  }

  stop(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  get #isWanted(): boolean {
    return (this.#calls > 0 || this.#options.isWithoutCalls) && this.#options.everyMillis !== Infinity &&
      !this.#session.destroyed
  }

  #schedule(): void {
    if (!this.#isWanted || this.#cancelTimer !== undefined) return
    if (this.#isDue) return this.#ping()
    this.#cancelTimer = later(this.#options.everyMillis, () => {
      this.#cancelTimer = undefined
      if (this.#isWanted) this.#ping()
      else this.#isDue = true
    })
  }

  #ping(): void {
    this.#isDue = false
    this.#cancelTimer = later(this.#options.timeoutMillis, this.#onSilence)
    const isSent = !this.#session.closed && this.#session.ping((error) => {
      this.stop()
      if (error === null) this.#schedule()
      else this.#onSilence()
    })
    if (!isSent) this.stop()
  }
}
