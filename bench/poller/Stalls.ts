/** When the first thread of a poller was busy for long without coming back to its events, as `stallClock` wrote it. */
import * as fs from "node:fs"

export interface Stall {
  readonly atMillis: number
  /** Of the processor, which says the same on a machine where others work. */
  readonly millis: number
}

interface Span {
  readonly fromMillis: number
  readonly toMillis: number
}

/** Others hardly notice a shorter one. */
const leastMillis = 3

export const read = (file: string): ReadonlyArray<Stall> =>
  fs.readFileSync(file, "utf8").split("\n").flatMap((line) => {
    const [atMillis = 0, millis = 0] = line.split(" ").map(Number)
    return millis >= leastMillis ? [{ atMillis, millis }] : []
  })

export interface Stalled {
  /** Of the time. */
  readonly percent: number
  readonly longestMillis: number
  readonly perMinute: number
}

export const within = (stalls: ReadonlyArray<Stall>, spans: ReadonlyArray<Span>): Stalled => {
  const own = stalls.filter(({ atMillis }) =>
    spans.some(({ fromMillis, toMillis }) => atMillis >= fromMillis && atMillis < toMillis)
  )
  const totalMillis = spans.reduce((sum, { fromMillis, toMillis }) => sum + toMillis - fromMillis, 0)
  return {
    percent: 100 * own.reduce((sum, { millis }) => sum + millis, 0) / totalMillis,
    longestMillis: Math.max(0, ...own.map(({ millis }) => millis)),
    perMinute: own.length * 60_000 / totalMillis
  }
}
