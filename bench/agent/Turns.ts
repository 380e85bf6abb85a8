/**
 * What something beside a thousand checks costs them, told from what the machine does by itself.
 *
 * The checks go on without a break, and beside them it is quiet and loud in turn: q L q L … q. Each loud window is compared
 * with the two quiet ones around it, so that whatever changes slowly is in both; the median of these ratios is what is told.
 * The quiet windows, each compared with the two quiet ones around it, tell how much of that is nothing at all.
 */
import { setTimeout as sleep } from "node:timers/promises"
import type { Check } from "./Protocol.ts"
import { say, type World } from "./World.ts"

export interface TurnSizes {
  /** Between two checks of a checker, in seconds. */
  readonly interval: number
  /** Of loud windows. */
  readonly pairs: number
  /** Of a window. */
  readonly seconds: number
}

export interface Turns {
  /** The 99th percentile of all quiet windows together, in milliseconds. */
  readonly quiet: number
  readonly loud: number
  /** In percent: the median of the loud windows, and between which they lie. */
  readonly percent: number
  readonly percents: ReadonlyArray<number>
  /** The same of quiet windows. */
  readonly noisePercents: ReadonlyArray<number>
  readonly failed: number
}

/** For what a loud window has begun to end. */
const settleSeconds = 6

export const percentile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)] ?? Number.NaN

const middle = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return ((sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN) +
    (sorted[Math.floor(sorted.length / 2)] ?? Number.NaN)) / 2
}

const p99 = (values: ReadonlyArray<number>): number => percentile(values, 0.99)

interface Window {
  readonly fromMillis: number
  readonly toMillis: number
}

/** `make` is called at the beginning of each loud window, with its number, and is over when that is. */
export const compared = async (
  world: World,
  { interval, pairs, seconds }: TurnSizes,
  checks: ReadonlyArray<Check>,
  make: (turn: number, seconds: number) => Promise<void>
): Promise<Turns> => {
  const warmSeconds = 2 * interval
  const total = warmSeconds + (2 * pairs + 1) * seconds + pairs * settleSeconds
  const asked = world.ask({
    ask: "paced",
    address: world.agent.address,
    checks,
    intervalMillis: interval * 1_000,
    seconds: total
  })
  const quiet: Array<Window> = []
  const loud: Array<Window> = []
  const during = async (windows: Array<Window>, work: Promise<void>) => {
    const fromMillis = Date.now()
    await Promise.all([sleep(seconds * 1_000), work])
    windows.push({ fromMillis, toMillis: fromMillis + seconds * 1_000 })
  }
  await sleep(warmSeconds * 1_000)
  await during(quiet, Promise.resolve())
  for (let turn = 0; turn < pairs; turn++) {
    const began = Date.now()
    await during(loud, make(turn, seconds))
    await sleep(Math.max(0, began + (seconds + settleSeconds) * 1_000 - Date.now()))
    await during(quiet, Promise.resolve())
  }
  const { askedMillis, failed, tookMillis, unavailable } = await asked
  const within = ({ fromMillis, toMillis }: Window) =>
    tookMillis.filter((_, index) => {
      const at = askedMillis[index] ?? 0
      return at >= fromMillis && at < toMillis
    })
  const quietTook = quiet.map(within)
  const loudTook = loud.map(within)
  const quietP99 = quietTook.map(p99)
  const loudP99 = loudTook.map(p99)
  const percentOf = (value: number, before: number, after: number) => 100 * (value / ((before + after) / 2) - 1)
  const percents = loudP99.map((value, at) =>
    percentOf(value, quietP99[at] ?? Number.NaN, quietP99[at + 1] ?? Number.NaN)
  )
  const noisePercents = quietP99.slice(1, -1).map((value, at) =>
    percentOf(value, quietP99[at] ?? Number.NaN, quietP99[at + 2] ?? Number.NaN)
  )
  const texts = (values: ReadonlyArray<number>) => values.map((value) => value.toFixed(1)).join(" ")
  say(`p99 of quiet windows: ${texts(quietP99)} ms; of loud ones: ${texts(loudP99)} ms`)
  say(`loud against quiet: ${texts(percents)} %; quiet against quiet: ${texts(noisePercents)} %`)
  say(`${tookMillis.length} checks, ${failed} failed; not available: ${unavailable.join("; ") || "none"}`)
  return {
    quiet: p99(quietTook.flat()),
    loud: p99(loudTook.flat()),
    percent: middle(percents),
    percents,
    noisePercents,
    failed: failed + unavailable.length
  }
}
