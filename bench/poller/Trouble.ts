/** What agents that die, and agents that are bad, do to the rest. */
import * as fs from "node:fs"
import * as path from "node:path"
import { OwnSeconds } from "../processes/OwnSeconds.ts"
import { type Change, change, p99, percentile, turns } from "../processes/Tail.ts"
import * as Usage from "../processes/Usage.ts"
import * as Latency from "./Latency.ts"
import type { BadKind, Question } from "./Protocol.ts"
import * as Stalls from "./Stalls.ts"
import { median, pause, say, type Settings, withWorld } from "./World.ts"

/** Seconds from an agent's return to its first poll, p99: 100 of them killed together, for shorter and longer times. */
export const recovery = (settings: Settings, rounds: number): Promise<number> =>
  withWorld(settings, async (world) => {
    say("agents killed and restarted")
    let mortal = await world.group({ ports: Array.from({ length: 100 }, () => 0), devices: 0 })
    const others = await world.agents(200)
    const ports = [...mortal.ports, ...others.flatMap((group) => group.ports)]
    world.poller({ pollerId: "recovery", agents: ports, interval: 10, coreAddress: world.coreAddress })
    await pause(12)
    const seconds: Array<number> = []
    for (let turn = 0; turn < rounds; turn++) {
      await mortal.process.kill()
      await pause(2 + turn * 5)
      mortal = await world.group({ ports: mortal.ports, devices: 0 })
      await pause(7)
      const returned: ReadonlyArray<number> = JSON.parse(
        await mortal.process.ask({ ask: "returned" } satisfies Question)
      )
      seconds.push(...returned.map((millis) => millis / 1_000))
      // One that nobody asked has not returned at all.
      seconds.push(...Array.from({ length: mortal.ports.length - returned.length }, () => Infinity))
      say(
        `away for ${2 + turn * 5} s: asked again after ${percentile(seconds, 0.5).toFixed(2)} s, p99 ${
          percentile(seconds, 0.99).toFixed(2)
        } s`
      )
    }
    world.assertRunning()
    return percentile(seconds, 0.99)
  })

export interface DisturbanceSizes {
  readonly agents: number
  /** Of a quiet and a loud window. */
  readonly pairs: number
  /** Of a window. */
  readonly seconds: number
  /** What the bad ones do. */
  readonly kinds: ReadonlyArray<BadKind>
  /** All processes share the processors. */
  readonly isShared: boolean
}

export interface Disturbance {
  /** Of the loud window before the others, beside which nothing is compared. */
  readonly first: number
  /** Of all windows of a kind together. */
  readonly good: number
  readonly bad: number
  readonly change: Change
  /** The same of every other quiet window and the rest of them. */
  readonly noise: Change
  /** What the poller takes of one processor, all of its threads. */
  readonly goodCpuPercent: number
  readonly badCpuPercent: number
  readonly goodStalls: Stalls.Stalled
  readonly badStalls: Stalls.Stalled
  readonly ownSecondsPercent: number
}

const told = ({ longestMillis, percent, perMinute }: Stalls.Stalled): string =>
  `${percent.toFixed(2)} % of the time, ${perMinute.toFixed(0)} times a minute, ${longestMillis.toFixed(1)} ms at most`

interface Window {
  readonly fromMillis: number
  readonly toMillis: number
  readonly cpuPercent: number
}

const interval = 10
/** Until the code is compiled, and what the start left is collected, for which the poller stands still once. */
const warmUpSeconds = 40

/**
 * p99 of the others while a tenth is well, and while it is bad; once they are well again a cycle does not count. Before the first
 * window there is a loud one that is told apart, for what a poller does once in its life when something first goes wrong: it
 * compiles what it has never run, and flooding agents send what they may send on credit. That agents turn bad, and all that
 * follows from that, is in each loud window.
 */
export const disturbance = (
  settings: Settings,
  { agents, isShared, kinds, pairs, seconds }: DisturbanceSizes
): Promise<Disturbance> =>
  withWorld(settings, async (world) => {
    say(`a tenth of ${agents} agents bad: ${kinds.join(", ")}`)
    // They are machines of their own elsewhere: what they take of this one is no doing of the poller.
    const unruly = await world.group({
      ports: Array.from({ length: Math.round(agents / 10) }, () => 0),
      devices: 0,
      isLast: true
    })
    const groups = await world.agents(agents - unruly.ports.length)
    const well = new Set(groups.flatMap((group) => group.ports))
    const clock = path.join(settings.folder, "clock-disturbance")
    fs.writeFileSync(clock, "")
    const { pid } = world.poller({
      pollerId: "disturbance",
      agents: [...well, ...unruly.ports],
      interval,
      coreAddress: world.coreAddress,
      clock
    })
    const own = new OwnSeconds([process.pid])
    if (!isShared) world.setApart(pid, [unruly.process])
    let present: "good" | "bad" = "good"
    const window = async (ask: "good" | "bad"): Promise<Window> => {
      const isOther = ask !== present
      present = ask
      if (isOther) await unruly.process.ask({ ask, kinds } satisfies Question)
      if (isOther && ask === "good") await pause(interval)
      say(ask === "good" ? "quiet" : "loud")
      const fromMillis = Date.now()
      const cpu = Usage.cpuSeconds(pid)
      await pause(seconds)
      return { fromMillis, toMillis: Date.now(), cpuPercent: 100 * (Usage.cpuSeconds(pid) - cpu) / seconds }
    }
    await pause(warmUpSeconds)
    const first = await window("bad")
    const good: Array<Window> = []
    const bad: Array<Window> = []
    for (const isLoud of turns(pairs)) {
      if (isLoud) bad.push(await window("bad"))
      else good.push(await window("good"))
    }
    // Those that were begun at the end of the last window.
    await pause(2)
    own.end()
    world.assertRunning()
    const ofWell = Latency.polls(clock).filter(({ port }) => well.has(port))
    const counts = own.countingOf(ofWell.map(({ atMillis }) => atMillis))
    const polls = ofWell.filter((_, index) => counts[index])
    const each = (windows: ReadonlyArray<Window>) =>
      windows.map(({ fromMillis, toMillis }) =>
        polls.flatMap(({ atMillis, millis }) => atMillis >= fromMillis && atMillis < toMillis ? [millis] : [])
      )
    const [quiet, loud] = [each(good), each(bad)]
    const cpu = (windows: ReadonlyArray<Window>) => windows.map(({ cpuPercent }) => cpuPercent)
    const shown = (values: ReadonlyArray<number>) => values.map((value) => value.toFixed(1)).join(" ")
    const spread = (windows: ReadonlyArray<ReadonlyArray<number>>) =>
      shown([0.5, 0.9, 0.99, 0.999].map((share) => percentile(windows.flat(), share)))
    say(`p99 of quiet windows: ${shown(quiet.map(p99))} ms; of loud ones: ${shown(loud.map(p99))} ms`)
    say(`p50, p90, p99, p99.9: ${spread(quiet)} ms quiet, ${spread(loud)} ms loud`)
    say(`p99 of the first loud one, which is not among them: ${shown(each([first]).map(p99))} ms`)
    say(`CPU of the poller: ${shown(cpu(good))} %; ${shown(cpu(bad))} %`)
    const stalls = Stalls.read(`${clock}.stalls`)
    const [goodStalls, badStalls] = [Stalls.within(stalls, good), Stalls.within(stalls, bad)]
    say(`the poller's first thread was busy without a pause for 3 ms and more: ${told(goodStalls)}; ${told(badStalls)}`)
    say(`in ${own.percent.toFixed(0)} % of the seconds nobody else used the machine`)
    const every = (rest: number) => quiet.filter((_, index) => index % 2 === rest)
    return {
      first: p99(each([first]).flat()),
      good: p99(quiet.flat()),
      bad: p99(loud.flat()),
      change: change(quiet, loud),
      noise: change(every(0), every(1)),
      goodCpuPercent: median(cpu(good)),
      badCpuPercent: median(cpu(bad)),
      goodStalls,
      badStalls,
      ownSecondsPercent: own.percent
    }
  })
