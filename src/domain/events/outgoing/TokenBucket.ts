/** A limit that lets bursts through: so many at once, and so many a second in the long run. */

export interface TokenBucket {
  /** Whether one more may pass now; if so, it counts. */
  readonly take: (nowMillis: number) => boolean
}

export const make = (options: { readonly perSecond: number; readonly burst: number }): TokenBucket => {
  let tokens = options.burst
  let atMillis = Number.NEGATIVE_INFINITY
  return {
    take: (nowMillis) => {
      // A clock that is set back must not empty the bucket.
      const elapsedMillis = Math.max(0, nowMillis - atMillis)
      tokens = Math.min(options.burst, tokens + elapsedMillis / 1_000 * options.perSecond)
      atMillis = nowMillis
      if (tokens < 1) return false
      tokens -= 1
      return true
    }
  }
}
