/**
 * Who may send a large answer now: one agent at a time, and with a pause behind each that grows with the square of its size.
 * What many agents send as a rule passes almost at once, and a burst of the largest comes no faster than it goes on to core:
 * each that waits here in memory brings the next collection of the whole heap nearer, for which all agents wait.
 * Whatever floods the poller so takes a bounded share of its processor, and the memory of one answer. The others that have
 * one are kept waiting by flow control, though not for long, so that one that sends slowly keeps nobody from it.
 */
import { later } from "../../sockets/Timer.ts"

export interface AnswerRoomOptions {
  /** Smaller ones come at once, and nobody waits for them. */
  readonly bytesMin: number
  /** Behind an answer of a mebibyte: four times as long behind one that is twice as large. */
  readonly restMillis: number
  /** One that takes longer to come shares its place. */
  readonly holdMillisMax: number
  /** After this it comes beside others. */
  readonly waitMillisMax: number
}

/**
 * 3 MB take some 10 ms of the thread that polls, and more of others; behind them it is half a second. What a pause is within the
 * 10 s that an answer waits at most hardly shortens what is left of the 30 s of a check.
 */
const optionsDefault: AnswerRoomOptions = {
  bytesMin: 524_288,
  restMillis: 60,
  holdMillisMax: 1_000,
  waitMillisMax: 10_000
}

const mebibyte = 1_048_576

interface Entrant {
  readonly go: () => void
  /** Of its wait, then of its hold. */
  cancelLimit: () => void
}

export class AnswerRoom {
  readonly #options: AnswerRoomOptions
  /** In the order in which they came. */
  readonly #waiting = new Set<Entrant>()
  #holder: Entrant | undefined

  constructor(options: Partial<AnswerRoomOptions> = {}) {
    this.#options = { ...optionsDefault, ...options }
  }

  /** `go` is called once, also at once, unless what is given back is called before: the answer is here, or given up. */
  enter(bytes: number, go: () => void): () => void {
    if (bytes < this.#options.bytesMin) {
      go()
      return () => {}
    }
    const entrant: Entrant = { go, cancelLimit: () => {} }
    if (this.#holder === undefined) this.#admit(entrant)
    else {
      this.#waiting.add(entrant)
      entrant.cancelLimit = later(this.#options.waitMillisMax, () => {
        this.#waiting.delete(entrant)
        go()
      })
    }
    return () => this.#leave(entrant, bytes)
  }

  #admit(entrant: Entrant): void {
    this.#holder = entrant
    entrant.cancelLimit()
    entrant.cancelLimit = later(this.#options.holdMillisMax, () => this.#giveUp(entrant))
    entrant.go()
  }

  #leave(entrant: Entrant, bytes: number): void {
    entrant.cancelLimit()
    this.#waiting.delete(entrant)
    if (this.#holder !== entrant) return
    const restMillis = (bytes / mebibyte) ** 2 * this.#options.restMillis
    entrant.cancelLimit = later(restMillis, () => this.#giveUp(entrant))
  }

  /** The place, which the next one gets. */
  #giveUp(entrant: Entrant): void {
    if (this.#holder !== entrant) return
    this.#holder = undefined
    const [next] = this.#waiting
    if (next === undefined) return
    this.#waiting.delete(next)
    this.#admit(next)
  }
}
