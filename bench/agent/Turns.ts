/**
 * What something beside a thousand checks costs them, told from what the machine does by itself.
 *
 * The checks go on without a break, and beside them it is quiet and loud in turn: q L q L … q. All loud windows together are
 * compared with all quiet ones together, and every other quiet window with the rest of them, which tells how much of that is
 * nothing at all. Seconds in which anybody else used the machine do not count, unless these are most of them.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { OwnSeconds } from "../processes/OwnSeconds.ts"
import { type Change, change, middleChange, p99, percentile } from "../processes/Tail.ts"
import * as Usage from "../processes/Usage.ts"
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
  readonly change: Change
  /** The same of quiet windows. */
  readonly noise: Change
  readonly middle: Change
  readonly middleNoise: Change
  /** Of the agent's first thread, of one processor. */
  readonly quietCpuPercent: number
  readonly loudCpuPercent: number
  /** For a processor, each time it had work, in microseconds. */
  readonly quietWaitMicros: number
  readonly loudWaitMicros: number
  /** Of the seconds, those in which nobody else used the machine. */
  readonly ownSecondsPercent: number
  readonly failed: number
}

/** For what a loud window has begun to end. */
const settleSeconds = 6

interface Window {
  readonly fromMillis: number
  readonly toMillis: number
  readonly cpuPercent: number
  readonly waitMicros: number
}

const meanOf = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

const kindsOf = (
  types: ReadonlyArray<string>,
  took: ReadonlyArray<number>
): ReadonlyMap<string, ReadonlyArray<number>> =>
  Map.groupBy(types.map((type, index) => [type, took[index] ?? Number.NaN] as const), ([type]) => type)
    .entries()
    .reduce(
      (kinds, [type, pairs]) => kinds.set(type, pairs.map(([, millis]) => millis)),
      new Map<string, ReadonlyArray<number>>()
    )

const shown = (values: ReadonlyArray<number>): string => values.map((value) => value.toFixed(1)).join(" ")

/** `make` is called at the beginning of each loud window, with its number, and is over soon after that. */
export const compared = async (
  world: World,
  { interval, pairs, seconds }: TurnSizes,
  checks: ReadonlyArray<Check>,
  make: (turn: number, seconds: number) => Promise<void>
): Promise<Turns> => {
  const warmSeconds = 2 * interval
  const asked = world.ask({
    ask: "paced",
    address: world.agent.address,
    checks,
    intervalMillis: interval * 1_000,
    seconds: warmSeconds + (2 * pairs + 1) * seconds + pairs * settleSeconds
  })
  const watch = new OwnSeconds(world.processes)
  const quiet: Array<Window> = []
  const loud: Array<Window> = []
  const during = async (windows: Array<Window>, work: Promise<void>) => {
    const fromMillis = Date.now()
    const before = Usage.mainThread(world.agent.pid)
    await sleep(seconds * 1_000)
    const toMillis = Date.now()
    const after = Usage.mainThread(world.agent.pid)
    windows.push({
      fromMillis,
      toMillis,
      cpuPercent: 100_000 * (after.cpuSeconds - before.cpuSeconds) / (toMillis - fromMillis),
      waitMicros: 1e6 * (after.waitSeconds - before.waitSeconds) / (after.turns - before.turns)
    })
    await work
  }
  await sleep(warmSeconds * 1_000)
  await during(quiet, Promise.resolve())
  for (let turn = 0; turn < pairs; turn++) {
    const began = Date.now()
    await during(loud, make(turn, seconds))
    await sleep(Math.max(0, began + (seconds + settleSeconds) * 1_000 - Date.now()))
    await during(quiet, Promise.resolve())
  }
  const { askedMillis, failed, tookMillis, types, unavailable } = await asked
  watch.end()

  const ownSecondsPercent = watch.percent
  const isOwnAt = watch.countingOf(askedMillis)
  if (ownSecondsPercent < 50) say("most of the time somebody else used the machine: all seconds count")
  const within = (windows: ReadonlyArray<Window>) => (index: number): boolean => {
    const at = askedMillis[index] ?? 0
    return isOwnAt[index] === true && windows.some(({ fromMillis, toMillis }) => at >= fromMillis && at < toMillis)
  }
  const tookIn = (...windows: ReadonlyArray<Window>) => tookMillis.filter((_, index) => within(windows)(index))
  const typesIn = (...windows: ReadonlyArray<Window>) => types.filter((_, index) => within(windows)(index))

  const quietTimes = quiet.map((window) => tookIn(window))
  const loudTimes = loud.map((window) => tookIn(window))
  const found = change(quietTimes, loudTimes)
  const everyOther = (rest: number) => quietTimes.filter((_, at) => at % 2 === rest)
  const noise = change(everyOther(0), everyOther(1))
  const middle = middleChange(quietTimes, loudTimes)
  const middleNoise = middleChange(everyOther(0), everyOther(1))

  const loudKinds = kindsOf(typesIn(...loud), tookIn(...loud))
  for (const [type, took] of kindsOf(typesIn(...quiet), tookIn(...quiet))) {
    const beside = loudKinds.get(type) ?? []
    const of = (values: ReadonlyArray<number>) => shown([percentile(values, 0.5), percentile(values, 0.9), p99(values)])
    say(`${type}: p50, p90, p99 ${of(took)} ms quiet, ${of(beside)} ms loud`)
  }
  const toldOf = (name: string, of: (window: Window) => number, unit: string) =>
    say(`${name}: ${shown(quiet.map(of))} ${unit} quiet; ${shown(loud.map(of))} ${unit} loud`)
  const told = ({ from, percent, to }: Change) => `${percent.toFixed(1)} % (${from.toFixed(1)} to ${to.toFixed(1)})`
  toldOf("p99 of each window", (window) => p99(tookIn(window)), "ms")
  toldOf("CPU of the first thread", ({ cpuPercent }) => cpuPercent, "%")
  toldOf("its wait for a processor", ({ waitMicros }) => waitMicros, "µs")
  say(`all loud windows against all quiet ones: ${told(found)}; quiet ones against each other: ${told(noise)}`)
  say(`the middle loud window against the middle quiet one: ${told(middle)}; of quiet ones: ${told(middleNoise)}`)
  say(`${tookMillis.length} checks, ${failed} failed; not available: ${unavailable.join("; ") || "none"}`)
  say(`in ${ownSecondsPercent.toFixed(0)} % of the seconds nobody else used the machine`)
  return {
    quiet: p99(tookIn(...quiet)),
    loud: p99(tookIn(...loud)),
    change: found,
    noise,
    middle,
    middleNoise,
    quietCpuPercent: meanOf(quiet.map((one) => one.cpuPercent)),
    loudCpuPercent: meanOf(loud.map((one) => one.cpuPercent)),
    quietWaitMicros: meanOf(quiet.map((one) => one.waitMicros)),
    loudWaitMicros: meanOf(loud.map((one) => one.waitMicros)),
    ownSecondsPercent,
    failed: failed + unavailable.length
  }
}
