/**
 * Whether a stream stands still: messages wait, and for a while neither has any been settled here nor has the lag
 * shrunk, which it would if another writer were at work. A lag that stays while messages flow is no standstill.
 */
import { type StreamLag, total } from "./StreamLag.ts"

export interface Standstill {
  /** The least lag since the last progress. */
  readonly least: number
  readonly settled: number
  /** Of the last progress. */
  readonly sinceMillis: number
}

export const start = (nowMillis: number): Standstill => ({ least: 0, settled: 0, sinceMillis: nowMillis })

export const observe = (
  before: Standstill,
  lag: StreamLag,
  settled: number,
  nowMillis: number
): Standstill => {
  const waiting = total(lag)
  const isProgress = waiting === 0 || before.least === 0 || waiting < before.least || settled !== before.settled
  return isProgress ? { least: waiting, settled, sinceMillis: nowMillis } : before
}

/** Milliseconds without progress; 0 when nothing waits. */
export const standingMillis = (now: Standstill, nowMillis: number): number =>
  now.least === 0 ? 0 : nowMillis - now.sinceMillis
