/** A limit that lets bursts through: so many at once, and so many a second in the long run. */

export interface TokenBucketOptions {
  readonly perSecond: number
  readonly burst: number
}

export interface TokenBucket {
  /** Whether one more may pass now; if so, it counts. */
  readonly take: (nowMillis: number) => boolean
  /** Milliseconds until the next one may pass; 0 when it may pass now. */
  readonly retryAfterMillis: (nowMillis: number) => number
}

/** Of fractions added up; without it a caller that waits as long as it was told may be a moment early. */
const one = 1 - 1e-9

export const make = (options: TokenBucketOptions): TokenBucket => {
  let tokens = options.burst
  let atMillis = Number.NEGATIVE_INFINITY

  const fill = (nowMillis: number): void => {
    // A clock that is set back must not empty the bucket.
    const elapsedMillis = Math.max(0, nowMillis - atMillis)
    tokens = Math.min(options.burst, tokens + elapsedMillis / 1_000 * options.perSecond)
    atMillis = nowMillis
  }

  return {
    take: (nowMillis) => {
      fill(nowMillis)
      if (tokens < one) return false
      tokens -= 1
      return true
    },
    retryAfterMillis: (nowMillis) => {
      fill(nowMillis)
      return tokens >= one ? 0 : Math.ceil((1 - tokens) / options.perSecond * 1_000)
    }
  }
}
