/**
 * CPU and memory of a poll: the poller, the bare client and, where one is named, the poller of another checkout, at the
 * same time and against the same agents, so that whatever else the machine does is the same for all.
 */
import * as Usage from "../processes/Usage.ts"
import * as Latency from "./Latency.ts"
import { checksPerAgent, median, pause, say, type Settings, withWorld } from "./World.ts"

export interface Variant {
  readonly program: string
  /** Flags for its Node. */
  readonly node: ReadonlyArray<string>
}

export interface CostOptions {
  readonly agents: number
  readonly interval: number
  readonly seconds: number
  readonly rounds: number
  readonly isTls: boolean
  /** By name; ours is `now`. */
  readonly programs: Readonly<Record<string, Variant>>
  readonly isBareToo: boolean
}

export interface Cost {
  readonly microsPerPoll: number
  /** In the last third of the time, and the most ever. */
  readonly megabytes: number
  readonly megabytesMost: number
}

export const cost = (settings: Settings, options: CostOptions) =>
  withWorld(settings, async (world) => {
    const { agents, interval, isBareToo, isTls, programs, rounds, seconds } = options
    say(`${agents} agents, each ${interval} s, ${isTls ? "mTLS" : "plain"}: ${Object.keys(programs).join(", ")}`)
    const groups = await world.agents(agents, isTls)
    const ports = groups.flatMap((group) => group.ports)
    const pids = new Map<string, number>()
    for (const [pollerId, variant] of Object.entries(programs)) {
      const start = { pollerId, agents: ports, interval, coreAddress: world.coreAddress, isTls }
      pids.set(pollerId, world.poller(start, variant).pid)
    }
    if (isBareToo) {
      const addresses = ports.map((port) => `127.0.0.1:${port}`)
      pids.set("bare", world.bare({ addresses, checks: checksPerAgent, intervalMillis: interval * 1_000 }).pid)
    }
    const memory = new Map([...pids.keys()].map((name) => [name, [] as Array<number>]))
    const timer = setInterval(() => {
      for (const [name, pid] of pids) memory.get(name)?.push(Usage.residentMegabytes(pid))
    }, 1_000)
    await world.firstRound(groups, pids.keys())
    // For what is compiled only when it has run often.
    await pause(Math.max(15, interval * 1.5))
    const micros = new Map<string, Array<number>>()
    let late = Number.NaN
    for (let turn = 0; turn < rounds; turn++) {
      world.assertRunning()
      await world.record(groups)
      const before = await world.calls(groups)
      const cpuBefore = new Map([...pids].map(([name, pid]) => [name, Usage.cpuSeconds(pid)]))
      await pause(seconds)
      const cpuAfter = new Map([...pids].map(([name, pid]) => [name, Usage.cpuSeconds(pid)]))
      const after = await world.calls(groups)
      const own = (await world.arrivals(groups)).filter(([key]) => key.startsWith("now "))
      late = Latency.lateness(own, interval * 1_000).p99
      for (const name of pids.keys()) {
        const calls = (after[name] ?? 0) - (before[name] ?? 0)
        const cpu = (cpuAfter.get(name) ?? 0) - (cpuBefore.get(name) ?? 0)
        micros.set(name, [...(micros.get(name) ?? []), cpu * 1e6 / calls])
      }
      say([...micros].map(([name, all]) => `${name} ${Math.round(all.at(-1) ?? 0)} µs`).join(", "))
    }
    clearInterval(timer)
    const reported = await world.reported()
    const costs = new Map([...pids.keys()].map((name): [string, Cost] => {
      const samples = memory.get(name) ?? []
      return [name, {
        microsPerPoll: median(micros.get(name) ?? []),
        megabytes: median(samples.slice(-Math.ceil(samples.length / 3))),
        megabytesMost: Math.max(...samples)
      }]
    }))
    for (const [name, one] of costs) say(`${name} ${JSON.stringify(one)}`)
    say(`core ${JSON.stringify(reported)}; lateness p99 ${late.toFixed(1)} ms`)
    return { costs, lateness: late, reported }
  })
