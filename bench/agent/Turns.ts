/**
 * What something beside a thousand checks costs them, told from what the machine does by itself.
 *
 * The checks go on without a break, and beside them it is quiet and loud in turn, with the order of each pair turned round:
 * quiet loud, loud quiet, and so on, so that what changes with time alone changes nothing. Before the first window the agent
 * has answered at twice the pace, for what is compiled only when it has run often, and has had a loud window that does not
 * count, for what is begun only once.
 *
 * The 99th percentile is that of all loud windows together and of all quiet ones together. How surely they differ is told by
 * drawing rounds anew (a bootstrap), in each of which every check is asked once. Every other quiet round compared with the
 * rest of them tells how much of that is nothing at all. Seconds in which anybody else used the machine do not count in
 * either, unless these are most of them.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { OwnSeconds } from "../processes/OwnSeconds.ts"
import { type Change, change, middleChange, p99, percentile, turns } from "../processes/Tail.ts"
import * as Usage from "../processes/Usage.ts"
import type { Check } from "./Protocol.ts"
import { say, type World } from "./World.ts"

export interface TurnSizes {
  /** Between two checks of a checker, in seconds. */
  readonly interval: number
  /** Of windows, a quiet one and a loud one each. */
  readonly pairs: number
  /** Of a window. */
  readonly seconds: number
}

export interface Turns {
  /** The 99th percentile of all quiet windows together, in milliseconds. */
  readonly quiet: number
  readonly loud: number
  readonly change: Change
  /** The same of quiet rounds. */
  readonly noise: Change
  /** Of the middle round by its 99th percentile. */
  readonly middle: Change
  /** Of the agent's first thread, of one processor. */
  readonly quietCpuPercent: number
  readonly loudCpuPercent: number
  /** For a processor, each time it had work, in microseconds. */
  readonly quietWaitMicros: number
  readonly loudWaitMicros: number
  /** Of the seconds, those in which nobody else used the machine. */
  readonly quietOwnPercent: number
  readonly loudOwnPercent: number
  /** Of checks that count. */
  readonly quietChecks: number
  readonly loudChecks: number
  readonly failed: number
}

/** At twice the pace of what is measured. */
const warmSeconds = 20
/** For what a loud window has begun to end. */
const settleSeconds = 6

interface Window {
  readonly isLoud: boolean
  readonly fromMillis: number
  readonly toMillis: number
  readonly cpuPercent: number
  readonly waitMicros: number
}

interface Taken {
  readonly type: string
  readonly millis: number
}

const meanOf = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

const isWithin = ({ fromMillis, toMillis }: Pick<Window, "fromMillis" | "toMillis">, at: number): boolean =>
  at >= fromMillis && at < toMillis

/** Parts of a window in each of which every check is asked once. */
const roundsOf = ({ fromMillis, toMillis }: Window, intervalMillis: number) =>
  Array.from({ length: Math.max(1, Math.floor((toMillis - fromMillis + 500) / intervalMillis)) }, (_, at) => ({
    fromMillis: fromMillis + at * intervalMillis,
    toMillis: Math.min(toMillis, fromMillis + (at + 1) * intervalMillis)
  }))

const shown = (values: ReadonlyArray<number>): string => values.map((value) => value.toFixed(1)).join(" ")

/** `make` is called at the beginning of each loud window, with its number, and is over soon after that. */
export const compared = async (
  world: World,
  { interval, pairs, seconds }: TurnSizes,
  checks: ReadonlyArray<Check>,
  make: (turn: number, seconds: number) => Promise<void>
): Promise<Turns> => {
  const intervalMillis = interval * 1_000
  const question = { ask: "paced", address: world.agent.address, checks } as const
  await world.ask({ ...question, intervalMillis: intervalMillis / 2, seconds: warmSeconds })
  const asked = world.ask({
    ...question,
    intervalMillis,
    seconds: (2 * pairs + 1) * seconds + (pairs + 1) * settleSeconds
  })
  const loudly = async (turn: number, work: () => Promise<void>) => {
    const began = Date.now()
    const making = make(turn, seconds)
    await work()
    await making
    await sleep(Math.max(0, began + (seconds + settleSeconds) * 1_000 - Date.now()))
  }
  const windows: Array<Window> = []
  const during = async (isLoud: boolean) => {
    const fromMillis = Date.now()
    const before = Usage.mainThread(world.agent.pid)
    await sleep(seconds * 1_000)
    const toMillis = Date.now()
    const after = Usage.mainThread(world.agent.pid)
    windows.push({
      isLoud,
      fromMillis,
      toMillis,
      cpuPercent: 100_000 * (after.cpuSeconds - before.cpuSeconds) / (toMillis - fromMillis),
      waitMicros: 1e6 * (after.waitSeconds - before.waitSeconds) / (after.turns - before.turns)
    })
  }
  await loudly(0, () => sleep(seconds * 1_000))
  const watch = new OwnSeconds(world.processes, world.use)
  for (const [at, isLoud] of turns(pairs).entries()) {
    const turn = Math.floor(at / 2) + 1
    await (isLoud ? loudly(turn, () => during(true)) : during(false))
  }
  watch.end()
  const { askedMillis, failed, tookMillis, types, unavailable } = await asked

  const isOwnAt = watch.countingOf(askedMillis)
  if (watch.percent < 50) say("most of the time somebody else used the machine: all seconds count")
  const takenIn = (part: Pick<Window, "fromMillis" | "toMillis">): ReadonlyArray<Taken> =>
    askedMillis.flatMap((at, index) =>
      isOwnAt[index] === true && isWithin(part, at)
        ? [{ type: types[index] ?? "", millis: tookMillis[index] ?? Number.NaN }]
        : []
    )
  const sideOf = (isLoud: boolean) => {
    const own = windows.filter((window) => window.isLoud === isLoud)
    const rounds = own.flatMap((window) => roundsOf(window, intervalMillis)).map(takenIn)
      .filter(({ length }) => length > 0)
    return {
      windows: own,
      rounds: rounds.map((round) => round.map(({ millis }) => millis)),
      kinds: Map.groupBy(rounds.flat(), ({ type }) => type),
      ownPercent: watch.percentOf((at) => own.some((window) => isWithin(window, at)))
    }
  }
  const [quiet, loud] = [sideOf(false), sideOf(true)]
  const everyOther = (rest: number) => quiet.rounds.filter((_, at) => at % 2 === rest)
  const found = change(quiet.rounds, loud.rounds)
  const noise = change(everyOther(0), everyOther(1))
  const middle = middleChange(quiet.rounds, loud.rounds)

  for (const [type, took] of quiet.kinds) {
    const of = (some: ReadonlyArray<Taken>) => {
      const values = some.map(({ millis }) => millis)
      return shown([percentile(values, 0.5), percentile(values, 0.9), p99(values)])
    }
    say(`${type}: p50, p90, p99 ${of(took)} ms quiet, ${of(loud.kinds.get(type) ?? [])} ms loud`)
  }
  const toldOf = (name: string, of: (window: Window) => number, unit: string) =>
    say(`${name}: ${shown(quiet.windows.map(of))} ${unit} quiet; ${shown(loud.windows.map(of))} ${unit} loud`)
  const told = ({ from, percent, to }: Change) => `${percent.toFixed(1)} % (${from.toFixed(1)} to ${to.toFixed(1)})`
  toldOf("p99 of each window", (window) => p99(takenIn(window).map(({ millis }) => millis)), "ms")
  say(`p99 of each round: ${shown(quiet.rounds.map(p99))} ms quiet; ${shown(loud.rounds.map(p99))} ms loud`)
  toldOf("CPU of the first thread", ({ cpuPercent }) => cpuPercent, "%")
  toldOf("its wait for a processor", ({ waitMicros }) => waitMicros, "µs")
  say(`all loud windows against all quiet ones: ${told(found)}; quiet rounds against each other: ${told(noise)}`)
  say(`the middle loud round against the middle quiet one: ${told(middle)}`)
  say(`${tookMillis.length} checks, ${failed} failed; not available: ${unavailable.join("; ") || "none"}`)
  return {
    quiet: p99(quiet.rounds.flat()),
    loud: p99(loud.rounds.flat()),
    change: found,
    noise,
    middle,
    quietCpuPercent: meanOf(quiet.windows.map((one) => one.cpuPercent)),
    loudCpuPercent: meanOf(loud.windows.map((one) => one.cpuPercent)),
    quietWaitMicros: meanOf(quiet.windows.map((one) => one.waitMicros)),
    loudWaitMicros: meanOf(loud.windows.map((one) => one.waitMicros)),
    quietOwnPercent: quiet.ownPercent,
    loudOwnPercent: loud.ownPercent,
    quietChecks: quiet.rounds.flat().length,
    loudChecks: loud.rounds.flat().length,
    failed: failed + unavailable.length
  }
}
