/**
 * When a program at rest collects its garbage.
 *
 * V8 collects as more is allocated. After a flood nothing more comes, and what the flood took of the machine stays taken,
 * unless somebody asks. Asking stops the program for some 0.15 s with 40 MiB in use, so it is done at rest only, seldom,
 * and not where there is much to look through.
 */

/** The program as it is looked at from time to time. */
export interface Look {
  /** What V8 holds for its objects, garbage and room included. */
  readonly heapBytes: number
  /** The part of the time since the look before in which the event loop worked, from 0 to 1. */
  readonly busyShare: number
  readonly nowMillis: number
}

export interface State {
  /** The least that V8 held since the last collection. */
  readonly leastBytes: number
  readonly collectedMillis: number
}

/** Nothing has been collected: what the start has left is garbage for the most part. */
export const initial: State = { leastBytes: 0, collectedMillis: Number.NEGATIVE_INFINITY }

const busyShareMax = 0.05
const growthBytesMin = 32 * 2 ** 20
/** Of a program that has just started. */
const startBytesMin = 16 * 2 ** 20
const heapBytesMax = 192 * 2 ** 20
const pauseMillisMin = 60_000

export const isDue = ({ collectedMillis, leastBytes }: State, { busyShare, heapBytes, nowMillis }: Look): boolean =>
  busyShare <= busyShareMax &&
  heapBytes <= heapBytesMax &&
  heapBytes - leastBytes >= (collectedMillis === initial.collectedMillis ? startBytesMin : growthBytesMin) &&
  nowMillis - collectedMillis >= pauseMillisMin

/** After a look at which nothing was collected. */
export const looked = (state: State, { heapBytes }: Look): State => ({
  ...state,
  leastBytes: Math.min(state.leastBytes, heapBytes)
})

/** `heapBytes` is what V8 holds then. */
export const collected = ({ heapBytes, nowMillis }: Pick<Look, "heapBytes" | "nowMillis">): State => ({
  leastBytes: heapBytes,
  collectedMillis: nowMillis
})
