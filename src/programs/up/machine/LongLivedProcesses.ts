/**
 * Processes worth watching: those that have been there longest and are known by a name that will still mean them
 * after a restart.
 *
 * Shells, editors and other tools of somebody's session are no services, nor is what they have started, which ends with
 * its task; a name that several unrelated programs share (`python3`, or the `MainThread` that Node calls itself) tells
 * nothing when one of them is gone.
 */
import type { ProcessStat } from "../../../domain/monitoring/host/ProcessTable.ts"

/** What decides about a process. */
type RunningProcess = Pick<ProcessStat, "pid" | "parentPid" | "name" | "state" | "startTicks">

const sessionTools: ReadonlySet<string> = new Set([
  "sh",
  "bash",
  "dash",
  "zsh",
  "fish",
  "sudo",
  "su",
  "tmux",
  "screen",
  "less",
  "vi",
  "vim",
  "nano",
  "top",
  "htop",
  "ssh",
  "sleep",
  "tail",
  "cat",
  "git",
  "make",
  "timeout",
  "script",
  "npm",
  "npx",
  "node",
  "MainThread",
  "python",
  "python3",
  "java",
  "ruby",
  "perl",
  "docker-init",
  "tini"
])

const namePattern = /^[a-zA-Z0-9_.-]+$/

const kernelThreadParent = 2

type ByPid = ReadonlyMap<number, RunningProcess>

/** A process and all that started it, but for the first process of all, which may be a shell in a container. */
const ancestors = (processes: ByPid, pid: number): ReadonlySet<number> => {
  const chain = new Set<number>()
  let current: number | undefined = pid
  while (current !== undefined && current > 1 && !chain.has(current)) {
    chain.add(current)
    current = processes.get(current)?.parentPid
  }
  return chain
}

const isOfSession = (processes: ByPid, pid: number): boolean =>
  [...ancestors(processes, pid)].some((one) => sessionTools.has(processes.get(one)?.name ?? ""))

export interface RankOptions {
  readonly limit: number
  readonly ownPid: number
  /** What started later, in clock ticks after boot, may be gone soon. */
  readonly startedBeforeTicks: number
}

/** Names in order of age, at most `limit`. */
export const rank = (
  processes: ReadonlyArray<RunningProcess>,
  options: RankOptions
): ReadonlyArray<string> => {
  const byPid = new Map(processes.map((entry) => [entry.pid, entry]))
  // Whoever runs us is no service to watch.
  const ours = ancestors(byPid, options.ownPid)
  const services = processes
    .filter(({ name, parentPid, pid, startTicks, state }) =>
      state !== "Z" && pid !== kernelThreadParent && parentPid !== kernelThreadParent && !ours.has(pid) &&
      startTicks <= options.startedBeforeTicks && namePattern.test(name) && !sessionTools.has(name) &&
      !isOfSession(byPid, pid)
    )
    .toSorted((left, right) => left.startTicks - right.startTicks || left.pid - right.pid)
  return [...new Set(services.map(({ name }) => name))].slice(0, options.limit)
}
