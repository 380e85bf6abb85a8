/**
 * Which spans a refresh of the trace summaries looks at: those written since the last one, and some from before.
 *
 * A span carries the time at which its transaction began and is seen when that ends, maybe after a refresh that covered
 * its time. So a refresh counts as complete only up to the oldest transaction that was open during it, and begins a
 * little before that, for transactions that this user may not see.
 */

export interface RefreshFacts {
  readonly nowMillis: number
  /** Up to here an earlier refresh was complete. */
  readonly uptoMillis: number | undefined
  /** Begin of the oldest open transaction, if any. */
  readonly oldestMillis: number | undefined
  /** When the first span was written, if there is any. */
  readonly firstMillis: number | undefined
}

export interface RefreshLimits {
  readonly overlapMillis: number
  readonly retentionMillis: number
}

export interface RefreshPlan {
  readonly fromMillis: number
  readonly toMillis: number
  /** What will be complete after it; at most `toMillis`. */
  readonly completeMillis: number
}

/** A transaction that is open for longer is no writer's. */
const transactionMillisMax = 600_000

/** None when there are no spans. */
export const make = (facts: RefreshFacts, limits: RefreshLimits): RefreshPlan | undefined => {
  const { firstMillis, nowMillis, oldestMillis = nowMillis, uptoMillis } = facts
  if (firstMillis === undefined) return undefined
  const { overlapMillis, retentionMillis } = limits
  const since = uptoMillis === undefined ? nowMillis - retentionMillis : uptoMillis - overlapMillis
  return {
    fromMillis: Math.min(nowMillis, Math.max(firstMillis, since)),
    // Times are truncated to milliseconds here.
    toMillis: nowMillis + 1,
    completeMillis: Math.max(Math.min(oldestMillis, nowMillis), nowMillis - transactionMillisMax)
  }
}
