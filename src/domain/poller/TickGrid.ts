/**
 * A fixed grid of time for something that is run again and again: at once, then at every multiple of the interval since the
 * start.
 *
 * A run that takes longer skips the ticks it missed; one that ends with a tick, as a timeout of one interval does, takes
 * that tick. `Schedule.fixed` counts from the end of the first run and makes up for missed ticks without a pause; neither
 * is what an operator means by "every 30 s".
 */

/** Timers may fire a moment early; a tick this close is the one that has just been. */
const tolerance = 0.05

export interface TickGridOptions {
  readonly intervalMillis: number
  /** The grid is shifted by it; the first run is at once all the same. */
  readonly phaseMillis?: number
}

export class TickGrid {
  readonly #intervalMillis: number
  readonly #gridMillis: number
  #runMillis: number
  #tickMillis: number

  constructor(startMillis: number, { intervalMillis, phaseMillis = 0 }: TickGridOptions) {
    this.#intervalMillis = intervalMillis
    this.#gridMillis = startMillis + phaseMillis % intervalMillis - intervalMillis
    this.#runMillis = startMillis
    this.#tickMillis = startMillis
  }

  /** A run begins; answers by how many milliseconds it is later than its tick. */
  begin(now: number): number {
    this.#runMillis = now
    return Math.max(0, now - this.#tickMillis)
  }

  /** After a run, or before the first one: how long to wait for the next, and how many ticks the run missed. */
  next(now: number): { readonly waitMillis: number; readonly missed: number } {
    const intervalMillis = this.#intervalMillis
    const toleranceMillis = intervalMillis * tolerance
    const sinceTick = (now - this.#gridMillis) % intervalMillis
    const isTickMissed = sinceTick < toleranceMillis && now - sinceTick - this.#runMillis > toleranceMillis
    const left = intervalMillis - sinceTick
    const waitMillis = isTickMissed ? 0 : left < toleranceMillis ? left + intervalMillis : left
    this.#tickMillis = isTickMissed ? now - sinceTick : now + waitMillis
    const ran = Math.floor((this.#runMillis - this.#gridMillis + toleranceMillis) / intervalMillis)
    const missed = Math.floor((now - this.#gridMillis) / intervalMillis) - ran - (isTickMissed ? 1 : 0)
    return { waitMillis, missed: Math.max(0, missed) }
  }
}
