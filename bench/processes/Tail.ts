/** The slow end of many measured times, and how surely one set of windows has a slower one than another. */

export const percentile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)] ?? Number.NaN

export const p99 = (values: ReadonlyArray<number>): number => percentile(values, 0.99)

export interface Change {
  readonly percent: number
  /** Of 100 repetitions 90 would lie between these, as far as the windows tell. */
  readonly from: number
  readonly to: number
}

/**
 * Quiet and loud windows, of which the loud ones are `true`, in an order in which neither kind is earlier than the other: what
 * drifts in a run is in both of them.
 */
export const turns = (pairs: number): ReadonlyArray<boolean> =>
  Array.from({ length: pairs }, (_, pair) => pair % 2 === 0 ? [false, true] : [true, false]).flat()

const resamples = 1_000

/** The same numbers in every run, so that two looks at the same times tell the same. */
const dice = (): (max: number) => number => {
  let state = 0x2545f491
  return (max) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % max
  }
}

type Windows = ReadonlyArray<ReadonlyArray<number>>

const pooled = (windows: Windows): number => {
  const all = Float64Array.from(windows.flat()).sort()
  return all[Math.max(0, Math.ceil(all.length * 0.99) - 1)] ?? Number.NaN
}

/**
 * How much higher the 99th percentile of all times is in the one set than in the other, in percent. What can be told of it is
 * found by drawing windows anew (a bootstrap): whole windows, for slow checks come together.
 */
export const change = (before: Windows, beside: Windows): Change => changeBy(pooled, before, beside)

/** The same of the middle window by its 99th percentile: what comes from elsewhere in bursts is in few windows, and decides none. */
export const middleChange = (before: Windows, beside: Windows): Change =>
  changeBy((windows) => middle(windows.filter(({ length }) => length > 0).map(p99)), before, beside)

const middle = (values: ReadonlyArray<number>): number => (percentile(values, 0.5) + percentile(values, 0.5 + 1e-9)) / 2

const changeBy = (of: (windows: Windows) => number, before: Windows, beside: Windows): Change => {
  const roll = dice()
  const drawn = (windows: Windows) => windows.map(() => windows[roll(windows.length)] ?? [])
  const percentOf = (some: Windows, others: Windows) => 100 * (of(others) / of(some) - 1)
  const all = Array.from({ length: resamples }, () => percentOf(drawn(before), drawn(beside)))
  return { percent: percentOf(before, beside), from: percentile(all, 0.05), to: percentile(all, 0.95) }
}
