/**
 * What `serviceradar up` costs while nothing happens: processor time, memory, wake-ups, and how fast its database grows.
 *
 *   npm run bench -- idle [--warmup 1m] [--minutes 20] [--flags "NODE FLAGS"] [--against CHECKOUT]
 *
 * `up` runs as its users run it, from the launcher, in a folder of its own, and monitors this machine. Processor time is
 * that of its process over the whole time after the warm-up, in percent of one core; memory is what is resident at the
 * end. PostgreSQL and nats-server are told apart from it. With `--against` the `up` of another checkout runs at the same
 * time, so that what else the machine does is the same for both. Linux only: it reads /proc.
 */
import { type ChildProcess, spawn } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import * as Usage from "./processes/Usage.ts"
import type { Row } from "./Table.ts"

const pids = () => fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number)

/** The process and all below it. */
const family = (root: number): ReadonlyArray<number> => {
  const parents = new Map(pids().map((pid) => [pid, Usage.parentOf(pid)]))
  const isInside = (pid: number): boolean => {
    const parent = parents.get(pid)
    return pid === root || (parent !== undefined && parent > 1 && isInside(parent))
  }
  return [...parents.keys()].filter(isInside)
}

const residentMb = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(Usage.textOf(`/proc/${pid}/status`))?.[1] ?? 0) / 1_024

/** How often its threads went to sleep by themselves, which is as often as they were woken. */
const wakeUps = (pid: number): number =>
  (fs.existsSync(`/proc/${pid}/task`) ? fs.readdirSync(`/proc/${pid}/task`) : []).reduce(
    (sum, thread) =>
      sum +
      Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(Usage.textOf(`/proc/${pid}/task/${thread}/status`))?.[1] ?? 0),
    0
  )

const folderBytes = (folder: string): number =>
  fs.readdirSync(folder, { recursive: true, withFileTypes: true }).reduce((sum, entry) => {
    if (!entry.isFile()) return sum
    try {
      return sum + fs.statSync(path.join(entry.parentPath, entry.name)).size
    } catch {
      return sum
    }
  }, 0)

interface Reading {
  readonly atMillis: number
  readonly cpuSeconds: number
  readonly serversCpuSeconds: number
  readonly wakeUps: number
  readonly databaseBytes: number
  readonly streamBytes: number
}

/** PostgreSQL's backends come and go: only those alive at both ends count, which are nearly all. */
const read = (pid: number, folder: string): Reading => ({
  atMillis: performance.now(),
  cpuSeconds: Usage.ownCpuSeconds(pid),
  serversCpuSeconds: family(pid).filter((one) => one !== pid).reduce((sum, one) => sum + Usage.ownCpuSeconds(one), 0),
  wakeUps: wakeUps(pid),
  databaseBytes: folderBytes(path.join(databaseFolder(pid, folder), "data", "base")),
  streamBytes: fs.existsSync(path.join(folder, "nats", "store")) ? folderBytes(path.join(folder, "nats", "store")) : 0
})

/** Where the server really keeps its data: it may be no folder of ours when we are root. */
const databaseFolder = (pid: number, folder: string): string => {
  const own = path.join(folder, "postgres")
  if (fs.existsSync(path.join(own, "data", "base"))) return own
  for (const one of family(pid)) {
    const at = Usage.textOf(`/proc/${one}/cmdline`).split("\0")
    const data = at[at.indexOf("-D") + 1]
    if (at.includes("-D") && data !== undefined) return path.dirname(data)
  }
  throw new Error(`no PostgreSQL below process ${pid}: ${Usage.textOf(path.join(folder, "output.log"))}`)
}

const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  child.kill("SIGTERM")
  await Promise.race([ended, sleep(20_000).then(() => void child.kill("SIGKILL"))])
}

const minutesOf = (text: string): number => {
  const [, amount = "", unit = "m"] = /^(\d+(?:\.\d+)?)(s|m)?$/.exec(text) ?? []
  if (amount === "") throw new Error(`a time such as 30s or 20m, got ${JSON.stringify(text)}`)
  return Number(amount) / (unit === "s" ? 60 : 1)
}

interface Measured {
  readonly warmUp: number
  readonly minutes: number
  readonly flags: ReadonlyArray<string>
}

const measure = async (checkout: string, { flags, minutes, warmUp }: Measured) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "serviceradar-idle-"))
  const launcher = path.join(checkout, "bin", "serviceradar.mjs")
  const log = fs.openSync(path.join(folder, "output.log"), "w")
  const child = spawn(process.execPath, [...flags, launcher, "up", "--dir", folder], {
    stdio: ["ignore", log, log]
  })
  try {
    await sleep(warmUp * 60_000)
    const pid = child.pid ?? 0
    const before = read(pid, folder)
    let rssMax = residentMb(pid)
    for (let passed = 0; passed < minutes * 60; passed += 5) {
      await sleep(Math.min(5, minutes * 60 - passed) * 1_000)
      if (child.exitCode !== null) {
        throw new Error(`up ended with ${child.exitCode}: ${Usage.textOf(`${folder}/output.log`)}`)
      }
      rssMax = Math.max(rssMax, residentMb(pid))
    }
    const after = read(pid, folder)
    const seconds = (after.atMillis - before.atMillis) / 1_000
    const perHour = (bytes: number) => Math.round((bytes / seconds) * 3_600 / 1e4) / 100
    const percent = (some: number) => Math.round((some / seconds) * 10_000) / 100
    return {
      minutes: Math.round((seconds / 60) * 10) / 10,
      cpu_pct: percent(after.cpuSeconds - before.cpuSeconds),
      servers_cpu_pct: percent(after.serversCpuSeconds - before.serversCpuSeconds),
      rss_mb: Math.round(residentMb(pid)),
      rss_max_mb: Math.round(rssMax),
      wakeups_per_second: Math.round((after.wakeUps - before.wakeUps) / seconds),
      database_mb_per_hour: perHour(after.databaseBytes - before.databaseBytes),
      streams_mb_per_hour: perHour(after.streamBytes - before.streamBytes)
    }
  } finally {
    await stop(child)
    fs.closeSync(log)
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

export const run = async (options: ReadonlyMap<string, string>) => {
  const against = options.get("against")
  const measured: Measured = {
    warmUp: minutesOf(options.get("warmup") ?? "1m"),
    minutes: minutesOf(options.get("minutes") ?? "20"),
    flags: (options.get("flags") ?? "").split(" ").filter((flag) => flag !== "")
  }
  const [result, before] = await Promise.all([
    measure(path.join(import.meta.dirname, ".."), measured),
    against === undefined ? undefined : measure(path.resolve(against), measured)
  ])
  const rows: ReadonlyArray<Row> = [
    { what: "up, processor", value: result.cpu_pct, unit: "% of a core", must: "≤ 6", aim: "≤ 3" },
    { what: "up, resident at the end", value: result.rss_mb, unit: "MiB", must: "≤ 280", aim: "≤ 200" },
    { what: "up, resident at most", value: result.rss_max_mb, unit: "MiB" },
    { what: "up, wake-ups", value: result.wakeups_per_second, unit: "/s" },
    { what: "PostgreSQL and NATS, processor", value: result.servers_cpu_pct, unit: "% of a core" },
    { what: "database grows", value: result.database_mb_per_hour, unit: "MB/h" },
    { what: "streams grow", value: result.streams_mb_per_hour, unit: "MB/h" }
  ]
  if (before === undefined) return { rows, result }
  const besides: ReadonlyArray<Row> = [
    { what: "the other checkout's up, processor", value: before.cpu_pct, unit: "% of a core" },
    { what: "the other checkout's up, resident at the end", value: before.rss_mb, unit: "MiB" },
    { what: "processor, ours / the other's", value: Math.round(result.cpu_pct / before.cpu_pct * 100), unit: "%" }
  ]
  return {
    rows: [...rows, ...besides],
    result: { ...result, cpu_pct_against: before.cpu_pct, rss_mb_against: before.rss_mb }
  }
}
