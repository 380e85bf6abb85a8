/** Counts frames that bring nothing forward: pings, settings, what belongs to calls that there are not. */

/** Within a second. */
const framesMax = 5_000

export class FramesForNothing {
  #count = 0
  #sinceMillis = 0

  /** One more; false when it is one too many. */
  add(): boolean {
    const nowMillis = performance.now()
    if (nowMillis - this.#sinceMillis > 1_000) {
      this.#sinceMillis = nowMillis
      this.#count = 0
    }
    this.#count += 1
    return this.#count <= framesMax
  }
}
