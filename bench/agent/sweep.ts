/**
 * `serviceradar sweep` against nmap, against a packet filter that drops half of what it sends, and over a /12. Nothing
 * leaves the loopback: the filter stands in a network namespace of its own.
 */
import { spawn, spawnSync } from "node:child_process"
import * as path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { Forked } from "../processes/Forked.ts"
import { textOf } from "../processes/Usage.ts"
import { say } from "./World.ts"

const firstPort = 20_000
const ports = 256
const open = 128
const parallelism = 500
/** 256 addresses, those of network and broadcast among them. */
const network = ["127.64.0.0/24", "127.64.0.0", "127.64.0.255"]
const pairs = ports * 256

const dropTimeoutSeconds = 1
const dropConcurrency = 1000

/** The most that was resident, from the system's own count. */
const peakMegabytes = (pid: number): number =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0) * 1024 / 1e6

/** Below `sh` in a namespace of its own. */
const newest = (pid: number): number => {
  const child = textOf(`/proc/${pid}/task/${pid}/children`).trim().split(" ")[0] ?? ""
  return child === "" ? pid : newest(Number(child))
}

interface Swept {
  readonly seconds: number
  readonly open: number
  readonly closed: number
  readonly silent: number
  readonly megabytes: number
}

const sweepOf = (command: string, args: ReadonlyArray<string>): Promise<Swept> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] })
    let said = ""
    let megabytes = 0
    const timer = setInterval(() => {
      if (child.pid !== undefined) megabytes = Math.max(megabytes, peakMegabytes(newest(child.pid)))
    }, 20)
    child.stdout.on("data", (part: Buffer) => said += part.toString())
    child.once("close", () => {
      clearInterval(timer)
      try {
        // boundary: what our own command prints; a figure that is missing is no number, and shows.
        const found = JSON.parse(said) as {
          readonly duration_ms: number
          readonly ports: ReadonlyArray<{ readonly available: number }>
          readonly closed: number
          readonly silent: number
        }
        resolve({
          seconds: found.duration_ms / 1000,
          open: found.ports.reduce((sum, { available }) => sum + available, 0),
          closed: found.closed,
          silent: found.silent,
          megabytes
        })
      } catch {
        reject(new Error(`the sweep printed no JSON: ${said.slice(0, 200)}`))
      }
    })
  })

const argumentsOf = (program: string, networks: ReadonlyArray<string>, options: ReadonlyArray<string>) => [
  program,
  "sweep",
  ...networks,
  "--mode",
  "tcp",
  "--json",
  ...options
]

/** Pairs in a second by nmap's own count; 0 where there is none. */
const nmap = (): number => {
  const range = `${firstPort}-${firstPort + ports - 1}`
  const limits = ["--min-parallelism", `${parallelism}`, "--max-parallelism", `${parallelism}`]
  const { stdout } = spawnSync("nmap", [
    "-sT",
    "-T5",
    "-n",
    "-Pn",
    ...limits,
    `-p${range}`,
    network[0] ?? "",
    "-oG",
    "-"
  ], {
    encoding: "utf8",
    timeout: 120_000
  })
  const seconds = Number(/scanned in ([\d.]+) seconds/.exec(stdout ?? "")?.[1])
  return Number.isFinite(seconds) ? pairs / seconds : 0
}

/**
 * The kernel completes the connections, and nobody has to take them meanwhile: the process with the ports stands still, so
 * that what is measured is the sweep alone.
 */
const whileStill = async <A>(listeners: Forked, run: () => Promise<A> | A): Promise<A> => {
  process.kill(listeners.pid, "SIGSTOP")
  try {
    return await run()
  } finally {
    process.kill(listeners.pid, "SIGCONT")
    await listeners.ask({})
    await sleep(1_500)
  }
}

const againstNmap = async (program: string, rounds: number): Promise<Record<string, number>> => {
  const listeners = new Forked(path.join(import.meta.dirname, "listeners.ts"), { first: firstPort, count: open })
  try {
    await listeners.ask({})
    const options = ["--ports", `${firstPort}-${firstPort + ports - 1}`, "--concurrency", `${parallelism}`]
    const ours: Array<Swept> = []
    const withTwo: Array<Swept> = []
    const theirs: Array<number> = []
    for (let round = 0; round < rounds; round++) {
      ours.push(await whileStill(listeners, () => sweepOf(process.execPath, argumentsOf(program, network, options))))
      theirs.push(await whileStill(listeners, nmap))
      const two = argumentsOf(program, network, [...options, "--threads", "2"])
      withTwo.push(await whileStill(listeners, () => sweepOf(process.execPath, two)))
    }
    const wrong = [...ours, ...withTwo].find((one) => one.open !== open * 256 || one.closed !== (ports - open) * 256)
    if (wrong !== undefined) throw new Error(`the sweep has missed ports: ${JSON.stringify(wrong)}`)
    const rate = Math.max(...ours.map(({ seconds }) => pairs / seconds))
    const other = Math.max(...theirs)
    return {
      sweep_pairs_per_s: Math.round(rate),
      nmap_pairs_per_s: Math.round(other),
      sweep_ratio_to_nmap: other === 0 ? 0 : Math.round(100 * rate / other) / 100,
      sweep_rss_mb: Math.round(Math.max(...ours.map(({ megabytes }) => megabytes))),
      sweep_pairs_per_s_2_threads: Math.round(Math.max(...withTwo.map(({ seconds }) => pairs / seconds))),
      sweep_rss_mb_2_threads: Math.round(Math.max(...withTwo.map(({ megabytes }) => megabytes)))
    }
  } finally {
    await listeners.kill()
  }
}

/** Half of the ports are dropped by a packet filter, and nobody listens on the others. Without a filter there is no figure. */
const dropped = async (program: string): Promise<Record<string, number>> => {
  if (spawnSync("iptables", ["--version"]).status !== 0) {
    say("no sweep with dropped packets: iptables is not installed")
    return {}
  }
  const half = `${firstPort + ports / 2}:${firstPort + ports - 1}`
  const quoted = argumentsOf(program, network, [
    "--ports",
    `${firstPort}-${firstPort + ports - 1}`,
    "--timeout",
    `${dropTimeoutSeconds}s`,
    "--concurrency",
    `${dropConcurrency}`
  ]).map((one) => `'${one}'`).join(" ")
  const script = "ip link set lo up && iptables -A INPUT -d 127.0.0.0/8 -p tcp " +
    `--dport ${half} -j DROP && '${process.execPath}' ${quoted}`
  const { seconds, silent } = await sweepOf("unshare", ["-n", "sh", "-c", script])
  if (silent !== pairs / 2) throw new Error(`the filter has dropped ${silent} of ${pairs / 2}`)
  const ideal = pairs / 2 / dropConcurrency * dropTimeoutSeconds
  return { sweep_dropped_ratio_to_ideal: Math.round(1000 * seconds / ideal) / 1000 }
}

/** A million hosts, none of which has the port open. */
const large = async (program: string): Promise<Record<string, number>> => {
  const swept = await sweepOf(process.execPath, argumentsOf(program, ["127.16.0.0/12"], ["--ports", "9"]))
  if (swept.closed !== 2 ** 20 - 2) throw new Error(`hosts of the /12 are missing: ${JSON.stringify(swept)}`)
  return { sweep_12_rss_mb: Math.round(swept.megabytes), sweep_12_seconds: Math.round(swept.seconds) }
}

/** `program`: the published command or the sources. `parts`: nmap, dropped and large; `rounds`: of the first. */
export const sweep = async (
  program: string,
  parts: ReadonlyArray<string>,
  rounds: number
): Promise<Record<string, number>> => ({
  ...(parts.includes("nmap") ? await againstNmap(program, rounds) : {}),
  ...(parts.includes("dropped") ? await dropped(program) : {}),
  ...(parts.includes("large") ? await large(program) : {})
})
