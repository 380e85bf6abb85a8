/**
 * How often one checker may break before it rests, so that one that breaks at each check costs its host next to nothing.
 *
 * After `breaksMax` breaks within `windowMillis` it rests for a minute, and after the check that follows again when that
 * breaks too: twice as long each time, up to ten minutes. A check that comes to a result ends the row of rests.
 */

export interface RestartBudget {
  /** When it broke, by a monotonic clock, oldest first; at most `breaksMax`. */
  readonly breaksMillis: ReadonlyArray<number>
  readonly rests: number
  readonly restUntilMillis: number
}

export const breaksMax = 3
export const windowMillis = 60_000
const restMillisFirst = 60_000
const restMillisMax = 600_000

export const full: RestartBudget = { breaksMillis: [], rests: 0, restUntilMillis: Number.NEGATIVE_INFINITY }

const recent = (budget: RestartBudget, nowMillis: number) =>
  budget.breaksMillis.filter((at) => nowMillis - at < windowMillis)

export const restMillisOf = (rests: number): number =>
  Math.min(restMillisFirst * 2 ** Math.min(rests, 10), restMillisMax)

export const broke = (budget: RestartBudget, nowMillis: number): RestartBudget => {
  const breaksMillis = [...recent(budget, nowMillis), nowMillis]
  if (breaksMillis.length < breaksMax && budget.rests === 0) return { ...budget, breaksMillis }
  return {
    breaksMillis: [],
    rests: budget.rests + 1,
    restUntilMillis: nowMillis + restMillisOf(budget.rests)
  }
}

/** Undefined when nothing is left to remember. */
export const answered = (budget: RestartBudget, nowMillis: number): RestartBudget | undefined => {
  const breaksMillis = recent(budget, nowMillis)
  return breaksMillis.length === 0 ? undefined : { ...full, breaksMillis }
}

/** How long it still rests; 0 when it may be asked. */
export const restsForMillis = ({ restUntilMillis }: RestartBudget, nowMillis: number): number =>
  Math.max(0, restUntilMillis - nowMillis)
