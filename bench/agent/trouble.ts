/** What a thousand checks have of five that are ill beside them, and of one whose file changes. */
import { writeFileSync } from "node:fs"
import * as Usage from "../processes/Usage.ts"
import type { Check } from "./Protocol.ts"
import { compared, type Turns, type TurnSizes } from "./Turns.ts"
import { mixed, say, type World } from "./World.ts"

export interface TroubleSizes extends TurnSizes {
  readonly checks: number
  /** Those that are ill; each of them is one of `all`. */
  readonly ill: ReadonlyArray<string>
}

const modules = ["crashing", "hanging", "spinning", "leaking"]
export const all = [...modules, "killed"]

const round = (value: number, digits = 1): number => Math.round(value * 10 ** digits) / 10 ** digits

/** The program that the agent has started last, by what it says of it: to look for it costs more than to be killed. */
const killProgram = ({ agent }: World): void => {
  const pid = /program killed was started, process (\d+)/
  const last = agent.process.lines.findLast((line) => pid.test(line))
  if (last !== undefined) Usage.kill(Number(pid.exec(last)?.[1]))
}

const spreadOf = (prefix: string, turns: Turns) => ({
  [`${prefix}p99_ms_quiet`]: round(turns.quiet, 2),
  [`${prefix}p99_ms_loud`]: round(turns.loud, 2),
  [`${prefix}disturbance_pct`]: round(turns.change.percent),
  [`${prefix}disturbance_pct_from`]: round(turns.change.from),
  [`${prefix}disturbance_pct_to`]: round(turns.change.to),
  [`${prefix}noise_pct`]: round(turns.noise.percent),
  [`${prefix}noise_pct_from`]: round(turns.noise.from),
  [`${prefix}noise_pct_to`]: round(turns.noise.to),
  [`${prefix}middle_disturbance_pct`]: round(turns.middle.percent),
  [`${prefix}middle_disturbance_pct_from`]: round(turns.middle.from),
  [`${prefix}middle_disturbance_pct_to`]: round(turns.middle.to),
  [`${prefix}cpu_pct_quiet`]: round(turns.quietCpuPercent),
  [`${prefix}cpu_pct_loud`]: round(turns.loudCpuPercent),
  [`${prefix}wait_us_quiet`]: round(turns.quietWaitMicros),
  [`${prefix}wait_us_loud`]: round(turns.loudWaitMicros),
  [`${prefix}own_seconds_pct_quiet`]: round(turns.quietOwnPercent),
  [`${prefix}own_seconds_pct_loud`]: round(turns.loudOwnPercent),
  [`${prefix}checks_quiet`]: turns.quietChecks,
  [`${prefix}checks_loud`]: turns.loudChecks
})

/** Each loud window has new ones, which have all of their restarts: those of the window before rest. */
export const disturbance = async (world: World, sizes: TroubleSizes): Promise<Record<string, number>> => {
  const others = mixed(sizes.checks - all.length, world.targets)
  const illIn = (turn: number): ReadonlyArray<Check> =>
    sizes.ill.map((name) => ({
      serviceType: name === "killed" ? "grpc" : name,
      serviceName: name === "killed" ? name : `${name}-${turn}`,
      details: "",
      port: 0,
      isBad: true
    }))
  const turns = await compared(world, sizes, others, async (turn, seconds) => {
    const killer = sizes.ill.includes("killed")
      ? setInterval(() => killProgram(world), 5_000)
      : undefined
    await world.askBeside({
      ask: "paced",
      address: world.agent.address,
      checks: illIn(turn),
      intervalMillis: sizes.interval * 1_000,
      seconds
    })
    clearInterval(killer)
  })
  return spreadOf("", turns)
}

/** The file of one checker changes every three seconds; the agent takes each change up within two. */
export const reload = async (world: World, sizes: TroubleSizes): Promise<Record<string, number>> => {
  const changed: Check = { serviceType: "exec", serviceName: "changing", details: "changing", port: 0, isBad: true }
  const checks = [...mixed(sizes.checks - 1, world.targets), changed]
  let version = 0
  const change = () => {
    version += 1
    const details = { program: "/bin/true", args: [String(version)] }
    writeFileSync(world.agent.changingFile, JSON.stringify({ name: "changing", type: "exec", details }))
  }
  const turns = await compared(world, sizes, checks, (_turn, seconds) =>
    new Promise((resolve) => {
      const timer = setInterval(change, 3_000)
      setTimeout(() => {
        clearInterval(timer)
        resolve()
      }, seconds * 1_000)
    }))
  const taken = world.agent.process.lines.filter((line) => line.includes("begun anew"))
  const others = taken.filter((line) => !line.includes("changing"))
  if (taken.length === 0) throw new Error("the agent has told of no change")
  if (others.length > 0) throw new Error(`others were begun anew: ${others[0]}`)
  say(`${taken.length} changes taken up`)
  return { ...spreadOf("reload_", turns), reload_others_failed: turns.failed }
}
