/**
 * Whether work stands still: some waits, and for a while neither has any been settled nor has less waited, which it
 * would if somebody else were at work. Work that waits while other work is settled is no standstill.
 */
export interface Standstill {
  /** The least that waited since the last progress. */
  readonly least: number
  readonly settled: number
  /** Of the last progress. */
  readonly sinceMillis: number
}

export const start = (nowMillis: number): Standstill => ({ least: 0, settled: 0, sinceMillis: nowMillis })

/** After one more look: how much waits now, and how much has been settled in all. */
export const observe = (before: Standstill, waiting: number, settled: number, nowMillis: number): Standstill => {
  const isProgress = waiting === 0 || before.least === 0 || waiting < before.least || settled !== before.settled
  return isProgress ? { least: waiting, settled, sinceMillis: nowMillis } : before
}

/** Milliseconds without progress; 0 when nothing waits. */
export const standingMillis = (now: Standstill, nowMillis: number): number =>
  now.least === 0 ? 0 : nowMillis - now.sinceMillis
