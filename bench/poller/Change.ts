/** Polls that are missed or made twice while a poller reads another configuration, and while another takes its place. */
import type { Arrival } from "./Protocol.ts"
import { checksPerAgent, pause, percentile, say, type Settings, withWorld } from "./World.ts"

export interface Kept {
  readonly checks: number
  /** No poll for two intervals, or none at all. */
  readonly missed: number
  /** Two polls within half an interval. */
  readonly doubled: number
  /** Of the differences from the interval. */
  readonly p99: number
}

const judged = (arrivals: ReadonlyArray<Arrival>, checks: number, intervalMillis: number): Kept => {
  const byCheck = Map.groupBy(arrivals, ([key]) => key.slice(key.indexOf(" ") + 1))
  const gaps = [...byCheck.values()].flatMap((own) =>
    own.slice(1).map(([, atMillis], index) => atMillis - (own[index]?.[1] ?? 0))
  )
  return {
    checks: byCheck.size,
    missed: gaps.filter((gap) => gap > intervalMillis * 2 - 50).length + checks - byCheck.size,
    doubled: gaps.filter((gap) => gap < intervalMillis / 2).length,
    p99: percentile(gaps.map((gap) => Math.abs(gap - intervalMillis)), 0.99)
  }
}

/** Another check for one agent of so many: what the polls of all the others were like. */
export const reload = (settings: Settings, agents: number, interval: number): Promise<Kept> =>
  withWorld(settings, async (world) => {
    say(`one of ${agents} agents gets other checks, each ${interval} s`)
    const groups = await world.agents(agents)
    const ports = groups.flatMap((group) => group.ports)
    const start = { pollerId: "reload", agents: ports, interval, coreAddress: world.coreAddress }
    world.poller(start)
    await world.firstRound(groups, ["reload"])
    await pause(interval * 1.1)
    await world.record(groups)
    await pause(interval * 1.1)
    world.configure({ ...start, otherAgent: 0 })
    await pause(interval * 2.2)
    world.assertRunning()
    const others = (await world.arrivals(groups)).filter(([key]) => !key.includes(" agent-0 "))
    const kept = judged(others, (agents - 1) * checksPerAgent, interval * 1_000)
    say(JSON.stringify(kept))
    return kept
  })

/** Another process in place of the one that polls so many agents. */
export const replacement = (settings: Settings, agents: number, interval: number): Promise<Kept> =>
  withWorld(settings, async (world) => {
    say(`another poller in place of one with ${agents} agents, each ${interval} s`)
    const groups = await world.agents(agents)
    const ports = groups.flatMap((group) => group.ports)
    const start = { pollerId: "replaced", agents: ports, interval, coreAddress: world.coreAddress }
    const old = world.poller(start)
    await world.firstRound(groups, ["replaced"])
    await pause(interval * 1.1)
    await world.record(groups)
    await pause(interval * 1.1)
    const next = world.poller({ ...start, replaces: true })
    await Promise.race([old.ended, pause(60)])
    if (old.isRunning || !next.isRunning) throw new Error(`nobody was replaced: ${next.lines.slice(-5).join("\n")}`)
    world.forget(old)
    await pause(interval * 2.2)
    world.assertRunning()
    const kept = judged(await world.arrivals(groups), agents * checksPerAgent, interval * 1_000)
    say(JSON.stringify(kept))
    return kept
  })
