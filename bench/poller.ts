/**
 * The poller between agents and a core that are processes of their own: `npm run bench -- poller`.
 *
 *   --agents 2000 --interval 30   the fleet whose latency and lateness are measured
 *   --seconds 60 --rounds 1       of each measurement; 600 for memory as it is after ten minutes
 *   --only cost,mtls,fleet,capacity,recovery,disturbance,reload,replacement,wire
 *   --together                    all of them at the same time, as plain and mTLS for memory after ten minutes
 *   --capacity 4000,6000,8000     further sizes of the fleet, until one does not hold
 *   --pairs 4 --window 20         quiet and loud windows of the disturbance, and the seconds of each
 *   --cpus shared                 all of them on the same processors; else the poller has one of its own there, and neither the
 *                                 bad agents nor core take any of the good ones' time: elsewhere they are other machines
 *   --kinds hang,reset,garbage,flood   what the bad agents of the disturbance do
 *   --sources                     runs the sources; else what is published
 *   --cost-agents 1000            other sizes of the fleet for CPU and memory
 *   --cost-interval 10            and other intervals
 *   --against CHECKOUT            the poller of another checkout beside ours, in `cost`
 *   --variants FLAGS:FLAGS        the same poller beside ours, with other flags for its Node, in `cost`
 *   --profile FOLDER --node FLAGS V8 profiles of the poller; flags for its Node, separated by commas
 */
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import { reload, replacement } from "./poller/Change.ts"
import { cost } from "./poller/Cost.ts"
import { type Fleet, fleet } from "./poller/Latency.ts"
import { badKinds } from "./poller/Protocol.ts"
import { disturbance, recovery } from "./poller/Trouble.ts"
import { overhead } from "./poller/Wire.ts"
import { round, type Settings } from "./poller/World.ts"
import * as Published from "./processes/Published.ts"
import type { Row } from "./Table.ts"

/** With the agents of the table. */
const costAgents = 1_000
const costInterval = 10
const latencyMax = 100

type Figures = Record<string, number>

const flagsOf = (text: string): ReadonlyArray<string> => text.split(",").filter((flag) => flag !== "")

const measureCost = async (
  settings: Settings,
  options: ReadonlyMap<string, string>,
  isTls: boolean
): Promise<Figures> => {
  const against = options.get("against")
  const program = settings.program
  const before = against === undefined || isTls
    ? {}
    : { before: { program: Published.build(path.join(settings.folder, "before"), path.resolve(against)), node: [] } }
  const variants = (options.get("variants") ?? "").split(":").map(flagsOf).filter((node) => node.length > 0)
  const { costs, lateness } = await cost(settings, {
    agents: Number(options.get("cost-agents") ?? costAgents),
    interval: Number(options.get("cost-interval") ?? costInterval),
    seconds: Number(options.get("seconds") ?? 60),
    rounds: Number(options.get("rounds") ?? 1),
    isTls,
    programs: {
      ...before,
      now: settings,
      ...Object.fromEntries(variants.map((node) => [node.join("_").replaceAll("--", ""), { program, node }]))
    },
    isBareToo: !isTls
  })
  const isOfTable = !options.has("cost-agents")
  const [now, bare, old] = ["now", "bare", "before"].map((name) => costs.get(name))
  if (now === undefined) return {}
  if (isTls) {
    return {
      ...(isOfTable ? { mb_per_1000_mtls: round(now.megabytes) } : {}),
      mb_most_mtls: round(now.megabytesMost),
      cpu_us_per_poll_mtls: round(now.microsPerPoll)
    }
  }
  return {
    cpu_us_per_poll: round(now.microsPerPoll),
    ...(isOfTable ? { mb_per_1000_plain: round(now.megabytes) } : {}),
    mb_most_plain: round(now.megabytesMost),
    lateness_p99_ms_1000: round(lateness),
    ...(old === undefined ? {} : { before_us_per_poll: round(old.microsPerPoll), before_mb: round(old.megabytes) }),
    ...(bare === undefined ? {} : {
      bare_us_per_poll: round(bare.microsPerPoll),
      bare_mb: round(bare.megabytes),
      ratio_to_bare_client: round(bare.microsPerPoll / now.microsPerPoll, 2)
    })
  }
}

const holds = ({ missed, p99 }: Fleet): boolean => p99 < latencyMax && missed === 0

const measureFleets = async (settings: Settings, options: ReadonlyMap<string, string>): Promise<Figures> => {
  const interval = Number(options.get("interval") ?? 30)
  const seconds = Number(options.get("seconds") ?? 60)
  const first = await fleet(settings, Number(options.get("agents") ?? 2_000), interval, seconds)
  let capacity = holds(first) ? first.agents : 0
  for (const agents of (options.get("capacity") ?? "").split(",").filter((text) => text !== "")) {
    if (capacity === 0) break
    const next = await fleet(settings, Number(agents), interval, seconds)
    if (!holds(next)) break
    capacity = next.agents
  }
  return {
    p50_ms: round(first.p50, 2),
    p99_ms: round(first.p99, 2),
    lateness_p99_ms: round(first.latenessP99),
    polls_missed: first.missed,
    capacity_agents: capacity
  }
}

const parts: Readonly<
  Record<string, (settings: Settings, options: ReadonlyMap<string, string>) => Promise<Figures>>
> = {
  cost: (settings, options) => measureCost(settings, options, false),
  mtls: (settings, options) => measureCost(settings, options, true),
  fleet: measureFleets,
  recovery: async (settings, options) => ({
    recovery_p99_s: round(await recovery(settings, Number(options.get("rounds") ?? 1) + 1), 2)
  }),
  disturbance: async (settings, options) => {
    const seconds = Number(options.get("window") ?? 20)
    const wanted = options.get("kinds")?.split(",")
    const measured = await disturbance(settings, {
      agents: 300,
      isShared: options.get("cpus") === "shared",
      pairs: Number(options.get("pairs") ?? 4),
      seconds,
      kinds: badKinds.filter((kind) => wanted === undefined || wanted.includes(kind))
    })
    const { bad, badCpuPercent, badStalls, change, first, good, goodCpuPercent, goodStalls, noise, ownSecondsPercent } =
      measured
    return {
      disturbance_pct: round(change.percent),
      disturbance_pct_from: round(change.from),
      disturbance_pct_to: round(change.to),
      noise_pct_from: round(noise.from),
      noise_pct_to: round(noise.to),
      p99_ms_all_well: round(good, 2),
      p99_ms_beside_bad: round(bad, 2),
      p99_ms_first_bad: round(first, 2),
      cpu_pct_all_well: round(goodCpuPercent),
      cpu_pct_beside_bad: round(badCpuPercent),
      stalled_pct_all_well: round(goodStalls.percent, 2),
      stalled_pct_beside_bad: round(badStalls.percent, 2),
      longest_stall_ms_all_well: round(goodStalls.longestMillis),
      longest_stall_ms_beside_bad: round(badStalls.longestMillis),
      own_seconds_pct: round(ownSecondsPercent)
    }
  },
  reload: async (settings, options) => {
    const interval = Number(options.get("interval") ?? 10)
    const { doubled, missed } = await reload(settings, Number(options.get("agents") ?? 2_000), interval)
    return { reload_disturbed: missed + doubled }
  },
  replacement: async (settings, options) => {
    const interval = Number(options.get("interval") ?? 5)
    const { doubled, missed } = await replacement(settings, Number(options.get("agents") ?? 500), interval)
    return { replacement_missed: missed, replacement_doubled: doubled }
  },
  wire: async (settings) => {
    const { agentPercent, corePercent } = await overhead(settings, 100_000)
    return {
      wire_overhead_pct: round(Math.max(agentPercent, corePercent), 2),
      wire_overhead_agent_pct: round(agentPercent, 2),
      wire_overhead_core_pct: round(corePercent, 2)
    }
  }
}

const rowOf: ReadonlyArray<Omit<Row, "value"> & { readonly key: string }> = [
  { key: "p99_ms", what: "GetStatus, p99", unit: "ms", must: "100", aim: "25" },
  { key: "lateness_p99_ms", what: "lateness, p99", unit: "ms", must: "500", aim: "100" },
  { key: "polls_missed", what: "polls missed", unit: "" },
  {
    key: "capacity_agents",
    what: "agents at the interval with p99 below 100 ms",
    unit: "",
    must: "2,000",
    aim: "10,000"
  },
  { key: "mb_per_1000_plain", what: "memory, 1,000 agents, plain", unit: "MB", must: "350", aim: "180" },
  { key: "mb_most_plain", what: "the most of it", unit: "MB" },
  { key: "mb_per_1000_mtls", what: "memory, 1,000 agents, mTLS", unit: "MB", must: "450", aim: "280" },
  { key: "mb_most_mtls", what: "the most of it", unit: "MB" },
  { key: "bare_mb", what: "memory of the bare client", unit: "MB" },
  { key: "before_mb", what: "memory of the poller before", unit: "MB" },
  { key: "cpu_us_per_poll", what: "CPU per poll", unit: "µs" },
  { key: "cpu_us_per_poll_mtls", what: "CPU per poll, mTLS", unit: "µs" },
  { key: "before_us_per_poll", what: "CPU per poll before", unit: "µs" },
  { key: "bare_us_per_poll", what: "CPU per poll of the bare client", unit: "µs" },
  { key: "ratio_to_bare_client", what: "the bare client's CPU / ours", unit: "", must: "0.67", aim: "1" },
  { key: "recovery_p99_s", what: "restarted agent polled again, p99", unit: "s", must: "5", aim: "1" },
  { key: "disturbance_pct", what: "p99 of the others beside 10 % bad agents", unit: "%", must: "10", aim: "2" },
  { key: "disturbance_pct_from", what: "at least, by its windows", unit: "%" },
  { key: "disturbance_pct_to", what: "at most", unit: "%" },
  { key: "noise_pct_from", what: "quiet windows beside quiet ones, at least", unit: "%" },
  { key: "noise_pct_to", what: "at most", unit: "%" },
  { key: "p99_ms_all_well", what: "that p99 with all well", unit: "ms" },
  { key: "p99_ms_beside_bad", what: "and beside bad ones", unit: "ms" },
  { key: "p99_ms_first_bad", what: "and when some turn bad for the first time, which is not in it", unit: "ms" },
  { key: "stalled_pct_all_well", what: "time that the poller was busy for 3 ms on end, all well", unit: "%" },
  { key: "stalled_pct_beside_bad", what: "and beside bad ones", unit: "%" },
  { key: "reload_disturbed", what: "polls of others disturbed by a reload", unit: "", must: "0" },
  { key: "replacement_missed", what: "polls missed when the process is replaced", unit: "", must: "0" },
  { key: "replacement_doubled", what: "polls made twice then", unit: "" },
  { key: "wire_overhead_pct", what: "overhead on the wire", unit: "%", must: "5", aim: "1" }
]

export const run = async (options: ReadonlyMap<string, string>) => {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "serviceradar-bench-"))
  const only = options.get("only")?.split(",") ?? Object.keys(parts)
  const settings: Settings = {
    folder,
    program: options.has("sources") ? Published.sources : Published.build(path.join(folder, "now")),
    node: flagsOf(options.get("node") ?? ""),
    profile: options.get("profile")
  }
  const figures: Figures = {}
  try {
    const chosen = Object.entries(parts).flatMap(([name, measure]) => only.includes(name) ? [measure] : [])
    if (options.has("together")) {
      Object.assign(figures, ...await Promise.all(chosen.map((measure) => measure(settings, options))))
    } else {
      for (const measure of chosen) Object.assign(figures, await measure(settings, options))
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
