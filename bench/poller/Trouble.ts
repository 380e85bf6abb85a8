/** What agents that die, and agents that are bad, do to the rest. */
import * as fs from "node:fs"
import * as path from "node:path"
import * as Latency from "./Latency.ts"
import type { Question } from "./Protocol.ts"
import { pause, percentile, say, type Settings, withWorld } from "./World.ts"

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

export interface Disturbance {
  readonly agents: number
  readonly good: number
  readonly bad: number
  readonly percent: number
}

/** p99 of the others while a tenth is well, and while it is bad, in turns. */
export const disturbance = (
  settings: Settings,
  agents: number,
  seconds: number,
  rounds: number
): Promise<Disturbance> =>
  withWorld(settings, async (world) => {
    say(`a tenth of ${agents} agents bad`)
    const interval = 10
    const unruly = await world.group({ ports: Array.from({ length: Math.round(agents / 10) }, () => 0), devices: 0 })
    const groups = await world.agents(agents - unruly.ports.length)
    const well = new Set(groups.flatMap((group) => group.ports))
    const clock = path.join(settings.folder, "clock-disturbance")
    fs.writeFileSync(clock, "")
    world.poller({
      pollerId: "disturbance",
      agents: [...well, ...unruly.ports],
      interval,
      coreAddress: world.coreAddress,
      clock
    })
    await pause(interval * 2)
    const millis = { good: [] as Array<number>, bad: [] as Array<number> }
    for (let turn = 0; turn < rounds; turn++) {
      for (const ask of ["good", "bad"] as const) {
        await unruly.process.ask({ ask } satisfies Question)
        await pause(2)
        const fromMillis = Date.now()
        await pause(seconds)
        const toMillis = Date.now() - 1_000
        await pause(1)
        const all = Latency.polls(clock, fromMillis, toMillis).filter(({ port }) => well.has(port))
        millis[ask].push(...all.map((poll) => poll.millis))
        say(`${ask}: p99 ${percentile(all.map((poll) => poll.millis), 0.99).toFixed(2)} ms of ${all.length} polls`)
      }
    }
    world.assertRunning()
    const good = percentile(millis.good, 0.99)
    const bad = percentile(millis.bad, 0.99)
    return { agents, good, bad, percent: (bad / good - 1) * 100 }
  })
