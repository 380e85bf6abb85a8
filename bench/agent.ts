/**
 * An agent between pollers and what it looks at, all processes of their own: `npm run bench -- agent`.
 *
 *   --checks 1000 --interval 10 --seconds 60   the checkers whose CPU, memory and latency are measured; the interval is 5 in the
 *                                              disturbance and the reload, which is twice as many checks in a window
 *   --cost-seconds 4                           of each measurement against the bare server
 *   --rounds 1                                 of the comparison with the bare server and with nmap
 *   --pairs 18 --window 15                     quiet and loud windows of the disturbance and of the reload, seconds of each: twelve
 *                                              minutes, which tell a change of 5 % where nobody else uses the machine
 *   --ill crashing,hanging,spinning,leaking,killed   who is ill in the disturbance
 *   --cpus shared                              all processors for all, in place of one for the agent and the rest for all others
 *   --only start,cost,steady,fleet,disturbance,reload,sweep,snmp   some of the parts
 *   --steady-seconds 60 --steady-rate 1600     port checks a second, for so long
 *   --sweep nmap,dropped,large                 the parts of the sweep
 *   --sources                                  runs the sources; else what is published
 *   --node FLAGS                               for the agent's Node, separated by commas
 */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Check } from "./agent/Protocol.ts"
import { snmp } from "./agent/snmp.ts"
import { sweep } from "./agent/sweep.ts"
import * as Trouble from "./agent/trouble.ts"
import { mixed, say, type Settings, startAgent, withWorld, type World } from "./agent/World.ts"
import * as Published from "./processes/Published.ts"
import { percentile } from "./processes/Tail.ts"
import * as Usage from "./processes/Usage.ts"
import type { Row } from "./Table.ts"

type Figures = Record<string, number>

interface Sizes {
  readonly checks: number
  readonly interval: number
  /** Of the disturbance and of the reload. */
  readonly turnInterval: number
  readonly seconds: number
  readonly rounds: number
  /** Of each measurement against the bare server. */
  readonly costSeconds: number
  readonly sweeps: ReadonlyArray<string>
  /** Of the disturbance and of the reload: how many loud windows, and the seconds of each. */
  readonly pairs: number
  readonly window: number
  readonly ill: ReadonlyArray<string>
  readonly areApart: boolean
  readonly steadySeconds: number
  /** Of checks in a second. */
  readonly steadyRate: number
}

const round = (value: number, digits = 1): number => Math.round(value * 10 ** digits) / 10 ** digits
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

/** Each of a checker of its own. */
const portChecks = ({ targets }: World): ReadonlyArray<Check> =>
  Array.from({ length: atOnce }, (_, index) => ({
    serviceType: "port",
    serviceName: `port-${index}`,
    details: `127.0.0.1:${targets.tcp}`,
    port: 0
  }))

/** CPU of a port check, sixteen at once: ours and the bare server's in turn. */
const cost = async (world: World, { costSeconds, rounds }: Sizes): Promise<Figures> => {
  const checks = portChecks(world)
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

/** What is resident after so many port checks, and the most meanwhile. */
const steady = async (world: World, { steadyRate, steadySeconds }: Sizes): Promise<Figures> => {
  const { address, pid } = world.agent
  const memory: Array<number> = []
  const began = performance.now()
  const timer = setInterval(() => {
    memory.push(Usage.residentMegabytes(pid))
    const seconds = Math.round((performance.now() - began) / 1_000)
    if (seconds % 60 === 0) say(`after ${seconds / 60} minutes: ${memory.at(-1)?.toFixed(1)} MB`)
  }, 1_000)
  const { calls, failed } = await world.ask({
    ask: "paced",
    address,
    checks: portChecks(world),
    intervalMillis: 1_000 * atOnce / steadyRate,
    seconds: steadySeconds
  })
  clearInterval(timer)
  const end = Usage.residentMegabytes(pid)
  say(`${calls} port checks, ${failed} failed`)
  return { rss_steady_mb: round(end), rss_steady_most_mb: round(Math.max(end, ...memory)), steady_checks: calls }
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
  const others = ["serviceradar-plugins", "serviceradar-programs"]
  const timer = setInterval(() => memory.push(Usage.residentMegabytesWith(pid, others)), 1_000)
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

const troubled = (settings: Settings, sizes: Sizes, measure: typeof Trouble.reload): Promise<Figures> =>
  withWorld(settings, (world) => {
    if (sizes.areApart) world.apart()
    return measure(world, { ...sizes, interval: sizes.turnInterval, seconds: sizes.window })
  })

const parts: Readonly<Record<string, (settings: Settings, sizes: Sizes) => Promise<Figures>>> = {
  start: (settings) => start(settings),
  cost: (settings, sizes) => withWorld(settings, (world) => cost(world, sizes)),
  steady: (settings, sizes) => withWorld(settings, (world) => steady(world, sizes), true),
  fleet: (settings, sizes) => withWorld(settings, (world) => fleet(world, sizes)),
  disturbance: (settings, sizes) => troubled(settings, sizes, Trouble.disturbance),
  reload: (settings, sizes) => troubled({ ...settings, files: sizes.checks - 3 }, sizes, Trouble.reload),
  sweep: ({ program }, { rounds, sweeps }) => sweep(program, sweeps, rounds),
  snmp: ({ folder, program }, { seconds }) => snmp(program, folder, seconds)
}

const spread = (prefix: string) => [
  { key: `${prefix}disturbance_pct_from`, what: "nine of ten repetitions lie from", unit: "%" },
  { key: `${prefix}disturbance_pct_to`, what: "to", unit: "%" },
  { key: `${prefix}noise_pct`, what: "the same of quiet rounds and other quiet ones", unit: "%" },
  { key: `${prefix}noise_pct_from`, what: "from", unit: "%" },
  { key: `${prefix}noise_pct_to`, what: "to", unit: "%" },
  { key: `${prefix}middle_disturbance_pct`, what: "the middle loud round against the middle quiet one", unit: "%" },
  { key: `${prefix}middle_disturbance_pct_from`, what: "nine of ten repetitions lie from", unit: "%" },
  { key: `${prefix}middle_disturbance_pct_to`, what: "to", unit: "%" },
  { key: `${prefix}cpu_pct_quiet`, what: "CPU of the agent's first thread, quiet", unit: "%" },
  { key: `${prefix}cpu_pct_loud`, what: "and loud", unit: "%" },
  { key: `${prefix}wait_us_quiet`, what: "its wait for a processor, quiet", unit: "µs" },
  { key: `${prefix}wait_us_loud`, what: "and loud", unit: "µs" },
  { key: `${prefix}own_seconds_pct_quiet`, what: "seconds without anybody else, which count, quiet", unit: "%" },
  { key: `${prefix}own_seconds_pct_loud`, what: "and loud", unit: "%" },
  { key: `${prefix}checks_quiet`, what: "checks in them, quiet", unit: "" },
  { key: `${prefix}checks_loud`, what: "and loud", unit: "" }
]

const rowOf: ReadonlyArray<Omit<Row, "value"> & { readonly key: string }> = [
  { key: "rss_start_mb", what: "memory at start", unit: "MB", must: "90", aim: "75" },
  { key: "cpu_us_per_check", what: "CPU of a port check, 16 at once", unit: "µs" },
  { key: "bare_us_per_check", what: "the same of a bare server", unit: "µs" },
  { key: "cpu_ratio_to_bare_server", what: "ours / the bare server's", unit: "", must: "1.5", aim: "1.1" },
  { key: "rss_steady_mb", what: "memory after port checks without end", unit: "MB", must: "130", aim: "100" },
  { key: "rss_steady_most_mb", what: "the most meanwhile", unit: "MB" },
  { key: "cpu_pct", what: "CPU of a core, all checkers", unit: "%", must: "50", aim: "25" },
  { key: "rss_mb", what: "memory, all checkers", unit: "MB", must: "300", aim: "150" },
  { key: "check_p99_ms", what: "GetStatus of all kinds, p99", unit: "ms" },
  { key: "p99_ms_quiet", what: "the same, nobody ill", unit: "ms" },
  { key: "p99_ms_loud", what: "the same, five others ill", unit: "ms" },
  { key: "disturbance_pct", what: "what the five cost the others", unit: "%", must: "5", aim: "1" },
  ...spread(""),
  { key: "reload_p99_ms_quiet", what: "the same, no file changes", unit: "ms" },
  { key: "reload_p99_ms_loud", what: "the same while one checker's file changes", unit: "ms" },
  { key: "reload_disturbance_pct", what: "what that costs the others", unit: "%", must: "5", aim: "1" },
  ...spread("reload_"),
  { key: "reload_others_failed", what: "checks of others that failed", unit: "", must: "0" },
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
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "serviceradar-bench-"))
  const only = options.get("only")?.split(",") ?? Object.keys(parts)
  const strange = only.find((name) => parts[name] === undefined)
  if (strange !== undefined) throw new Error(`There is no part ${strange}: ${Object.keys(parts).join(", ")}`)
  const sizes: Sizes = {
    checks: Number(options.get("checks") ?? 1_000),
    interval: Number(options.get("interval") ?? 10),
    turnInterval: Number(options.get("interval") ?? 5),
    seconds: Number(options.get("seconds") ?? 60),
    rounds: Number(options.get("rounds") ?? 1),
    costSeconds: Number(options.get("cost-seconds") ?? 4),
    steadySeconds: Number(options.get("steady-seconds") ?? 60),
    steadyRate: Number(options.get("steady-rate") ?? 1_600),
    pairs: Number(options.get("pairs") ?? 18),
    window: Number(options.get("window") ?? 15),
    ill: options.get("ill")?.split(",") ?? Trouble.all,
    areApart: options.get("cpus") !== "shared",
    sweeps: options.get("sweep")?.split(",") ?? ["nmap", "dropped", "large"]
  }
  const figures: Figures = {}
  // After what runs in it, which ends then too.
  process.once("exit", () => fs.rmSync(folder, { recursive: true, force: true }))
  const settings: Settings = {
    folder,
    program: options.has("sources") ? Published.sources : Published.build(folder),
    node: (options.get("node") ?? "").split(",").filter((flag) => flag !== "")
  }
  for (const [name, measure] of Object.entries(parts)) {
    if (only.includes(name)) Object.assign(figures, await measure(settings, sizes))
  }
  const rows = rowOf.flatMap(({ key, ...row }) => {
    const value = figures[key]
    return value === undefined ? [] : [{ ...row, value }]
  })
  return { rows, result: figures }
}
