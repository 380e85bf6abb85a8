/**
 * An agent between pollers and what it looks at, all processes of their own: `npm run bench -- agent`.
 *
 *   --checks 1000 --interval 10 --seconds 60   the checkers whose CPU, memory and latency are measured
 *   --cost-seconds 4                           of each measurement against the bare server
 *   --rounds 1                                 of the disturbance and of the comparison with the bare server
 *   --only start,cost,fleet,disturbance,sweep,snmp
 *   --sweep nmap,dropped,large                 the parts of the sweep
 *   --sources                                  runs the sources; else what is published
 *   --node FLAGS                               for the agent's Node, separated by commas
 */
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Check } from "./agent/Protocol.ts"
import { snmp } from "./agent/snmp.ts"
import { sweep } from "./agent/sweep.ts"
import { mixed, say, type Settings, startAgent, withWorld, type World } from "./agent/World.ts"
import * as Published from "./processes/Published.ts"
import * as Usage from "./processes/Usage.ts"
import type { Row } from "./Table.ts"

type Figures = Record<string, number>

interface Sizes {
  readonly checks: number
  readonly interval: number
  readonly seconds: number
  readonly rounds: number
  /** Of each measurement against the bare server. */
  readonly costSeconds: number
  readonly sweeps: ReadonlyArray<string>
}

const round = (value: number, digits = 1): number => Math.round(value * 10 ** digits) / 10 ** digits
const percentile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)] ?? Number.NaN
const median = (values: ReadonlyArray<number>): number => percentile(values, 0.5)

/** What is resident when it has come to rest, of an agent with the shortest of files. */
const start = async (settings: Settings): Promise<Figures> => {
  const agent = await startAgent(settings, true)
  try {
    await sleep(5_000)
    return { rss_start_mb: round(Usage.residentMegabytes(agent.pid)) }
  } finally {
    await agent.process.stop()
  }
}

const atOnce = 16

/** CPU of a port check, sixteen at once, each of a checker of its own: ours and the bare server's in turn. */
const cost = async (world: World, { costSeconds, rounds }: Sizes): Promise<Figures> => {
  const checks: ReadonlyArray<Check> = Array.from({ length: atOnce }, (_, index) => ({
    serviceType: "port",
    serviceName: `port-${index}`,
    details: `127.0.0.1:${world.targets.tcp}`,
    port: 0
  }))
  const measure = async (address: string, pid: number, seconds: number) => {
    const before = Usage.cpuSeconds(pid)
    const { calls, failed, unavailable } = await world.ask({ ask: "flat out", address, checks, seconds })
    if (failed > 0 || unavailable.length > 0) throw new Error(`${failed} calls failed: ${unavailable.join("; ")}`)
    return (Usage.cpuSeconds(pid) - before) * 1e6 / calls
  }
  const { agent, bare } = world
  // For what is compiled only when it has run often.
  await measure(agent.address, agent.pid, costSeconds)
  await measure(bare.address, bare.pid, costSeconds)
  const micros: { readonly ours: Array<number>; readonly bare: Array<number> } = { ours: [], bare: [] }
  for (let turn = 0; turn < 2 + rounds; turn++) {
    micros.ours.push(await measure(agent.address, agent.pid, costSeconds))
    micros.bare.push(await measure(bare.address, bare.pid, costSeconds))
    say(`port check: ours ${Math.round(micros.ours.at(-1) ?? 0)} µs, bare ${Math.round(micros.bare.at(-1) ?? 0)} µs`)
  }
  const [ours, theirs] = [median(micros.ours), median(micros.bare)]
  return {
    cpu_us_per_check: round(ours),
    bare_us_per_check: round(theirs),
    cpu_ratio_to_bare_server: round(ours / theirs, 2)
  }
}

const fleet = async (world: World, { checks, interval, seconds }: Sizes): Promise<Figures> => {
  const { address, pid } = world.agent
  const question = {
    ask: "paced",
    address,
    checks: mixed(checks, world.targets),
    intervalMillis: interval * 1_000
  } as const
  // For what is compiled only when it has run often.
  await world.ask({ ...question, seconds: 1.5 * interval })
  const memory: Array<number> = []
  const timer = setInterval(() => memory.push(Usage.residentMegabytes(pid)), 1_000)
  const [cpu, began] = [Usage.cpuSeconds(pid), performance.now()]
  const { calls, failed, longestMillis, tookMillis, unavailable } = await world.ask({ ...question, seconds })
  const percent = 100 * (Usage.cpuSeconds(pid) - cpu) / ((performance.now() - began) / 1_000)
  clearInterval(timer)
  say(`longest: ${JSON.stringify(longestMillis)} ms`)
  say(`${calls} checks, ${failed} failed; not available: ${unavailable.join("; ") || "none"}`)
  return {
    cpu_pct: round(percent),
    rss_mb: round(Math.max(...memory)),
    check_p99_ms: round(percentile(tookMillis, 0.99), 2),
    checks_failed: failed
  }
}

const bad: ReadonlyArray<Check> = ["crashing", "hanging", "spinning", "leaking"].map((serviceType) => ({
  serviceType,
  serviceName: serviceType,
  details: "",
  port: 0,
  isBad: true
}))
const killed: Check = { serviceType: "grpc", serviceName: "killed", details: "", port: 0, isBad: true }

/** The agent's program, by its arguments. */
const killProgram = async (port: number): Promise<void> => {
  for (const name of await fs.readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue
    const line = await fs.readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "")
    if (line.includes("healthy.ts") && line.split("\0").includes(String(port))) process.kill(Number(name), "SIGKILL")
  }
}

/** The 99th percentile of the others, with five that are ill and without them, in turn. */
const disturbance = async (world: World, { checks, interval, rounds, seconds }: Sizes): Promise<Figures> => {
  const others = mixed(checks - bad.length - 1, world.targets)
  const well = Array.from({ length: bad.length + 1 }, (_, index): Check => ({
    serviceType: "port",
    serviceName: `stand-in-${index}`,
    details: `127.0.0.1:${world.targets.tcp}`,
    port: 0,
    isBad: true
  }))
  const { address, programPort } = world.agent
  const measure = async (more: ReadonlyArray<Check>) => {
    const { tookMillis } = await world.ask({
      ask: "paced",
      address,
      checks: [...others, ...more],
      intervalMillis: interval * 1_000,
      seconds
    })
    return percentile(tookMillis, 0.99)
  }
  await measure(well)
  const found: { readonly alone: Array<number>; readonly beside: Array<number> } = { alone: [], beside: [] }
  for (let turn = 0; turn < 1 + rounds; turn++) {
    found.alone.push(await measure(well))
    const killer = setInterval(() => void killProgram(programPort), 5_000)
    found.beside.push(await measure([...bad, killed]))
    clearInterval(killer)
    say(`p99: alone ${found.alone.at(-1)?.toFixed(2)} ms, beside bad ones ${found.beside.at(-1)?.toFixed(2)} ms`)
  }
  const [alone, beside] = [median(found.alone), median(found.beside)]
  return {
    p99_ms_all_well: round(alone, 2),
    p99_ms_beside_bad: round(beside, 2),
    disturbance_pct: round(100 * (beside / alone - 1))
  }
}

const parts: Readonly<Record<string, (settings: Settings, sizes: Sizes) => Promise<Figures>>> = {
  start: (settings) => start(settings),
  cost: (settings, sizes) => withWorld(settings, (world) => cost(world, sizes)),
  fleet: (settings, sizes) => withWorld(settings, (world) => fleet(world, sizes)),
  disturbance: (settings, sizes) => withWorld(settings, (world) => disturbance(world, sizes)),
  sweep: ({ program }, { rounds, sweeps }) => sweep(program, sweeps, rounds),
  snmp: ({ folder, program }, { seconds }) => snmp(program, folder, seconds)
}

const rowOf: ReadonlyArray<Omit<Row, "value"> & { readonly key: string }> = [
  { key: "rss_start_mb", what: "memory at start", unit: "MB", must: "90", aim: "75" },
  { key: "cpu_us_per_check", what: "CPU of a port check, 16 at once", unit: "µs" },
  { key: "bare_us_per_check", what: "the same of a bare server", unit: "µs" },
  { key: "cpu_ratio_to_bare_server", what: "ours / the bare server's", unit: "", must: "1.5", aim: "1.1" },
  { key: "cpu_pct", what: "CPU of a core, all checkers", unit: "%", must: "50", aim: "25" },
  { key: "rss_mb", what: "memory, all checkers", unit: "MB", must: "300", aim: "150" },
  { key: "check_p99_ms", what: "GetStatus of all kinds, p99", unit: "ms" },
  { key: "p99_ms_all_well", what: "the same, five others well", unit: "ms" },
  { key: "p99_ms_beside_bad", what: "the same, five others ill", unit: "ms" },
  { key: "disturbance_pct", what: "what the five cost the others", unit: "%", must: "5", aim: "1" },
  { key: "sweep_pairs_per_s", what: "sweep of open and closed ports", unit: "per s" },
  { key: "nmap_pairs_per_s", what: "the same by nmap", unit: "per s" },
  { key: "sweep_ratio_to_nmap", what: "ours / nmap's", unit: "", must: "0.3", aim: "0.7" },
  { key: "sweep_rss_mb", what: "memory of the sweep", unit: "MB", must: "130" },
  { key: "sweep_pairs_per_s_2_threads", what: "the sweep in two threads", unit: "per s" },
  { key: "sweep_rss_mb_2_threads", what: "its memory", unit: "MB" },
  { key: "sweep_dropped_ratio_to_ideal", what: "half of it dropped, time / ideal", unit: "", must: "1.2", aim: "1.05" },
  { key: "sweep_12_rss_mb", what: "memory of the sweep of a /12", unit: "MB", must: "150" },
  { key: "sweep_12_seconds", what: "its time", unit: "s" },
  { key: "snmp_p99_ms", what: "SNMP, 20 values of a device, p99", unit: "ms", must: "1000", aim: "250" }
]

export const run = async (options: ReadonlyMap<string, string>) => {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "serviceradar-bench-"))
  const only = options.get("only")?.split(",") ?? Object.keys(parts)
  const sizes: Sizes = {
    checks: Number(options.get("checks") ?? 1_000),
    interval: Number(options.get("interval") ?? 10),
    seconds: Number(options.get("seconds") ?? 60),
    rounds: Number(options.get("rounds") ?? 1),
    costSeconds: Number(options.get("cost-seconds") ?? 4),
    sweeps: options.get("sweep")?.split(",") ?? ["nmap", "dropped", "large"]
  }
  const figures: Figures = {}
  try {
    const settings: Settings = {
      folder,
      program: options.has("sources") ? Published.sources : Published.build(folder),
      node: (options.get("node") ?? "").split(",").filter((flag) => flag !== "")
    }
    for (const [name, measure] of Object.entries(parts)) {
      if (only.includes(name)) Object.assign(figures, await measure(settings, sizes))
    }
  } finally {
    await fs.rm(folder, { recursive: true, force: true })
  }
  const rows = rowOf.flatMap(({ key, ...row }) => {
    const value = figures[key]
    return value === undefined ? [] : [{ ...row, value }]
  })
  return { rows, result: figures }
}
