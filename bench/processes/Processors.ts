/** Which processors a process has, and whether it gives way to everybody else: by `taskset` and `chrt` of Linux. */
import { spawnSync } from "node:child_process"
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
