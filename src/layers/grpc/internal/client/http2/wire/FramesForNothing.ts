/** Counts frames that bring nothing forward: pings, settings, what belongs to calls that there are not. */
import { type Breach, calm } from "./Breach.ts"

/** Within a second. */
const framesMax = 5_000

const tooMany = calm("too many frames for nothing")

export class FramesForNothing {
  #count = 0
  #sinceMillis = 0

  /** One more, which may be one too many. */
  add(): Breach | undefined {
    const nowMillis = performance.now()
    if (nowMillis - this.#sinceMillis > 1_000) {
      this.#sinceMillis = nowMillis
      this.#count = 0
    }
    this.#count += 1
    return this.#count <= framesMax ? undefined : tooMany
  }
}
