/** How long polls took, as the poller's own process saw it, and how late they came, as the agents saw it. */
import * as fs from "node:fs"
import * as path from "node:path"
import * as Usage from "../processes/Usage.ts"
import type { Arrival } from "./Protocol.ts"
import { pause, percentile, say, type Settings, withWorld } from "./World.ts"

export interface Poll {
  readonly port: number
  readonly atMillis: number
  readonly millis: number
}

/** Of the polls that were begun within the window. */
export const polls = (file: string, fromMillis = 0, toMillis = Infinity): ReadonlyArray<Poll> =>
  fs.readFileSync(file, "utf8").split("\n").flatMap((line) => {
    const [port = 0, atMillis = 0, millis = 0] = line.split(" ").map(Number)
    return port !== 0 && atMillis >= fromMillis && atMillis < toMillis ? [{ port, atMillis, millis }] : []
  })

/** By how much the time between two polls of a check differs from the interval. */
export const lateness = (arrivals: ReadonlyArray<Arrival>, intervalMillis: number) => {
  const byCheck = Map.groupBy(arrivals, ([key]) => key)
  const gaps = [...byCheck.values()].flatMap((own) =>
    own.slice(1).map(([, atMillis], index) => atMillis - (own[index]?.[1] ?? 0))
  )
  return {
    checks: byCheck.size,
    /** A gap of two intervals is a poll that was not made. */
    missed: gaps.filter((gap) => gap > intervalMillis * 1.5).length,
    p99: percentile(gaps.map((gap) => Math.abs(gap - intervalMillis)), 0.99)
  }
}

export interface Fleet {
  readonly agents: number
  readonly p99: number
  readonly p50: number
  readonly latenessP99: number
  readonly missed: number
  readonly cpuShare: number
  readonly megabytes: number
}

/** A poller of its own for so many agents; measured when the first round is over. */
export const fleet = (settings: Settings, agents: number, interval: number, seconds: number): Promise<Fleet> =>
  withWorld(settings, async (world) => {
    say(`${agents} agents, each ${interval} s`)
    const groups = await world.agents(agents)
    const clock = path.join(settings.folder, `clock-${agents}`)
    fs.writeFileSync(clock, "")
    const poller = world.poller({
      pollerId: "fleet",
      agents: groups.flatMap(({ ports }) => ports),
      interval,
      coreAddress: world.coreAddress,
      clock
    })
    await world.firstRound(groups, ["fleet"])
    // The second round begins where each agent's place in the interval is.
    await pause(interval * 1.1)
    await world.record(groups)
    const fromMillis = Date.now()
    const cpuBefore = Usage.cpuSeconds(poller.pid)
    await pause(Math.max(seconds, interval * 2.1))
    const toMillis = Date.now()
    const cpuShare = (Usage.cpuSeconds(poller.pid) - cpuBefore) / ((toMillis - fromMillis) / 1_000)
    const arrivals = await world.arrivals(groups)
    world.assertRunning()
    const megabytes = Usage.residentMegabytes(poller.pid)
    await pause(1)
    const millis = polls(clock, fromMillis, toMillis).map((poll) => poll.millis)
    const late = lateness(arrivals, interval * 1_000)
    const result = {
      agents,
      p50: percentile(millis, 0.5),
      p99: percentile(millis, 0.99),
      latenessP99: late.p99,
      missed: late.missed + (agents * 5 - late.checks),
      cpuShare,
      megabytes
    }
    say(JSON.stringify(result))
    return result
  })
