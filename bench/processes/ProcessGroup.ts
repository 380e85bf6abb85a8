/**
 * A group of processes with whatever they start from then on, as systemd gives a service. Without one, Linux shares a
 * processor among sessions first, and each program of `exec` leads one.
 */
import * as fs from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import * as Usage from "./Usage.ts"

/** Of another program's one. What is measured is not held up by what somebody else compiles meanwhile. */
const weightFactor = 10

interface Home {
  readonly folder: string
  readonly weightFile: string
  readonly weight: number
  /** Where it has the time of all of its processes, ended ones too. */
  readonly usage: { readonly folder: string; readonly secondsOf: () => number }
}

const firstAccounts = "/sys/fs/cgroup/cpuacct"
const usecOf = (folder: string): number =>
  Number(/^usage_usec (\d+)$/m.exec(Usage.textOf(`${folder}/cpu.stat`))?.[1] ?? Number.NaN) / 1e6
const accountOf = (folder: string): number => Number(Usage.textOf(`${folder}/cpuacct.usage`) || Number.NaN) / 1e9

/**
 * Of all processes of the machine, to the nanosecond as the groups have it: what `/proc/stat` has is counted by the clock's
 * ticks, and off by a tenth of a second in one second. Not a number where there are no groups.
 */
export const machineCpuSeconds = (): number =>
  fs.existsSync(firstAccounts) ? accountOf(firstAccounts) : usecOf("/sys/fs/cgroup")

const made: { count: number } = { count: 0 }

/** Groups of the first version of Linux have a tree for each thing that they share, those of the second have one tree. */
const homeOf = (name: string): Home | undefined => {
  const first = "/sys/fs/cgroup/cpu"
  if (fs.existsSync(`${first}/cgroup.procs`)) {
    const usage = `${firstAccounts}/${name}`
    return {
      folder: `${first}/${name}`,
      weightFile: "cpu.shares",
      weight: 1_024 * weightFactor,
      usage: { folder: usage, secondsOf: () => accountOf(usage) }
    }
  }
  const folder = `/sys/fs/cgroup/${name}`
  if (!fs.existsSync("/sys/fs/cgroup/cgroup.procs")) return undefined
  return {
    folder,
    weightFile: "cpu.weight",
    weight: 100 * weightFactor,
    usage: { folder, secondsOf: () => usecOf(folder) }
  }
}

const isDone = (work: () => void): boolean => {
  try {
    work()
    return true
  } catch {
    return false
  }
}

/** A tenth of a second each: what a process has started ends a little after it. */
const removalsMax = 100

const remove = async (folder: string): Promise<void> => {
  for (let turn = 0; turn < removalsMax; turn++) {
    isDone(() => fs.rmdirSync(folder))
    if (!fs.existsSync(folder)) return
    await sleep(100)
  }
}

export interface ProcessGroup {
  readonly isMade: boolean
  /** Of all that are or were in it. */
  readonly cpuSeconds: () => number
  /** For when all of them have ended, or are to be in the system's own group again. */
  readonly end: () => Promise<void>
}

const none: ProcessGroup = { isMade: false, cpuSeconds: () => Number.NaN, end: () => Promise.resolve() }

/** None where this user may not make one. */
export const make = (pids: ReadonlyArray<number>): ProcessGroup => {
  const home = homeOf(`serviceradar-bench-${process.pid}-${made.count += 1}`)
  if (home === undefined) return none
  const { folder, usage, weight, weightFile } = home
  const folders = [...new Set([folder, usage.folder])]
  const end = async () => {
    // This process outlives the group that it was in.
    for (const one of folders) isDone(() => fs.writeFileSync(`${one}/../cgroup.procs`, String(process.pid)))
    for (const one of folders) await remove(one)
  }
  const isMade = isDone(() => {
    for (const one of folders) {
      fs.mkdirSync(one)
      for (const pid of pids) fs.writeFileSync(`${one}/cgroup.procs`, String(pid))
    }
  })
  if (isMade) isDone(() => fs.writeFileSync(`${folder}/${weightFile}`, String(weight)))
  return { isMade, cpuSeconds: usage.secondsOf, end }
}
