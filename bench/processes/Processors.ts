/** Which processors a process has, and whether it gives way to everybody else: by `taskset` and `chrt` of Linux. */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import * as Usage from "./Usage.ts"

const isDone = (command: string, args: ReadonlyArray<string>): boolean =>
  spawnSync(command, args, { stdio: "ignore" }).status === 0

/** All threads of a process, and whatever it starts from then on. */
export const bind = (pid: number, processors: ReadonlyArray<number>): void => {
  if (isDone("taskset", ["-acp", processors.join(","), String(pid)])) return
  throw new Error("taskset cannot bind a process to a processor; --cpus shared does without")
}

/** Gets from now on only what nobody else wants. */
export const giveWay = (pid: number): void => {
  if (isDone("chrt", ["--all-tasks", "--idle", "--pid", "0", String(pid)])) return
  throw new Error("chrt cannot make a process give way; --cpus shared does without")
}

/** That this process may use: `0-1,4` as Linux has it. */
export const own = (): ReadonlyArray<number> => {
  const [, list = ""] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(Usage.textOf("/proc/self/status")) ?? []
  return list.split(",").flatMap((range) => {
    const [from = 0, to = from] = range.split("-").map(Number)
    return Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })
}

/** A tenth of a second each: what a process has started ends a little after it. */
const removalsMax = 100

/** Where Linux keeps groups of processes: those of the first version by what they share, those of the second in one tree. */
const groupFolders = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup"]

/**
 * A group of their own for processes and whatever they start from then on, as systemd gives a service. Without one, Linux shares a
 * processor among sessions first, and each program of `exec` leads one. `end` is for when all of them have ended.
 */
export const group = (pids: ReadonlyArray<number>): { readonly isMade: boolean; readonly end: () => Promise<void> } => {
  const [root] = groupFolders.filter((folder) => fs.existsSync(`${folder}/cgroup.procs`))
  const folder = `${root ?? ""}/serviceradar-bench-${process.pid}`
  const isGone = (): boolean => {
    try {
      fs.rmdirSync(folder)
    } catch {
      // There was none, or one of them has not ended.
    }
    return !fs.existsSync(folder)
  }
  const end = async () => {
    for (let turn = 0; turn < removalsMax && !isGone(); turn++) await sleep(100)
  }
  try {
    if (root === undefined) return { isMade: false, end: () => Promise.resolve() }
    fs.mkdirSync(folder)
    for (const pid of pids) fs.writeFileSync(`${folder}/cgroup.procs`, String(pid))
    return { isMade: true, end }
  } catch {
    return { isMade: false, end }
  }
}
