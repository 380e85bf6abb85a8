/** What processes used, from Linux' `/proc`: seconds of CPU and resident memory. Elsewhere everything is 0. */
import * as fs from "node:fs"

/** Ticks per second and bytes per page, the same on every Linux that Node runs on. */
const ticksPerSecond = 100
const bytesPerPage = 4_096

/** Empty when it cannot be read: processes end. */
export const textOf = (file: string): string => {
  try {
    return fs.readFileSync(file, "utf8")
  } catch {
    return ""
  }
}

/** Behind the name, which may hold blanks and brackets. */
const statOf = (pid: number): ReadonlyArray<string> => {
  const text = textOf(`/proc/${pid}/stat`)
  return text.slice(text.lastIndexOf(")") + 2).split(" ")
}

export const parentOf = (pid: number): number => Number(statOf(pid)[1])

/** At once. It may have ended meanwhile. */
export const kill = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // See above.
  }
}

/** Each of its threads has its own; not every kernel tells. To look through all processes takes some milliseconds. */
const toldChildrenOf = (pid: number): ReadonlyArray<number> | undefined => {
  const tasks = `/proc/${pid}/task`
  try {
    return fs.readdirSync(tasks)
      .flatMap((thread) => fs.readFileSync(`${tasks}/${thread}/children`, "utf8").split(" "))
      .map(Number)
      .filter((child) => child > 0)
  } catch {
    // It has ended, a thread of it has, or the kernel does not tell.
    return undefined
  }
}

export const childrenOf = (pid: number): ReadonlyArray<number> => {
  if (process.platform !== "linux") return []
  return toldChildrenOf(pid) ??
    fs.readdirSync("/proc").map(Number).filter((other) => other > 0 && parentOf(other) === pid)
}

const ticks = (fields: ReadonlyArray<string>, from: number, to: number): number =>
  fields.slice(from, to).reduce((sum, field) => sum + Number(field), 0)

/** Of the process alone. */
export const ownCpuSeconds = (pid: number): number => ticks(statOf(pid), 11, 13) / ticksPerSecond

/** Of the process, its children now, and those that it has outlived. */
export const cpuSeconds = (pid: number): number =>
  childrenOf(pid).reduce((sum, child) => sum + ownCpuSeconds(child), ticks(statOf(pid), 11, 15) / ticksPerSecond)

export interface ThreadUse {
  readonly cpuSeconds: number
  /** With work, but without a processor. */
  readonly waitSeconds: number
  /** How often it was given a processor. */
  readonly turns: number
}

/** Of its first thread, which is the one that runs JavaScript. */
export const mainThread = (pid: number): ThreadUse => {
  const [cpu = 0, wait = 0, turns = 0] = textOf(`/proc/${pid}/task/${pid}/schedstat`).split(" ").map(Number)
  return { cpuSeconds: cpu / 1e9, waitSeconds: wait / 1e9, turns }
}

const machineTicks = (): ReadonlyArray<number> => {
  const [first = ""] = textOf("/proc/stat").split("\n", 1)
  return first.split(/ +/).map(Number)
}

/** Of all processors, by whomever. Interrupts are nobody's: what goes over the loopback is taken from them for the most part. */
export const machineCpuSeconds = (): number => {
  const [, user = 0, nice = 0, system = 0, , , , , steal = 0] = machineTicks()
  return (user + nice + system + steal) / ticksPerSecond
}

/** Taken by other machines of the same computer. */
export const stolenCpuSeconds = (): number => (machineTicks()[8] ?? 0) / ticksPerSecond

export const residentMegabytes = (pid: number): number =>
  Number(textOf(`/proc/${pid}/statm`).split(" ")[1] ?? 0) * bytesPerPage / 1e6

/** Of the process with its children that run the same program as it does: what is of files is there once. */
export const residentMegabytesWith = (pid: number, names: ReadonlyArray<string>): number =>
  childrenOf(pid)
    .filter((child) => names.some((name) => textOf(`/proc/${child}/cmdline`).startsWith(name)))
    .reduce((sum, child) => sum + ownMegabytes(child), residentMegabytes(pid))

const ownMegabytes = (pid: number): number =>
  Number(/^RssAnon:\s+(\d+) kB$/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0) * 1_024 / 1e6
