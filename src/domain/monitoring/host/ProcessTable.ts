/**
 * Reads Linux's `/proc/PID/stat` and decides whether a process goes by a name.
 *
 * The kernel cuts a process's own name at 15 bytes, and programs may rewrite their command line (`nginx: master
 * process`), so both are looked at.
 */
import { Option } from "effect"

export interface ProcessStat {
  readonly pid: number
  readonly parentPid: number
  /** At most 15 bytes. */
  readonly name: string
  /** One letter, see proc(5): R, S, D, Z, T, … */
  readonly state: string
  /** User and system time together, in clock ticks. */
  readonly cpuTicks: number
  /** Clock ticks after boot. */
  readonly startTicks: number
  readonly residentPages: number
}

const kernelNameLengthMax = 15

/** The name stands in parentheses and may itself contain any of `) (`. */
export const parseStat = (text: string): Option.Option<ProcessStat> => {
  const open = text.indexOf("(")
  const close = text.lastIndexOf(")")
  if (open === -1 || close < open) return Option.none()
  const fields = text.slice(close + 1).trim().split(" ")
  const [state = ""] = fields
  const numberAt = (index: number): number => Number(fields[index])
  const startTicks = numberAt(19)
  if (!Number.isInteger(startTicks)) return Option.none()
  return Option.some({
    pid: Number(text.slice(0, open)),
    parentPid: numberAt(1),
    name: text.slice(open + 1, close),
    state,
    // Fields of proc(5): 14 and 15, and 24, counted from the state as field 3; the parent is field 4, the start 22.
    cpuTicks: numberAt(11) + numberAt(12),
    startTicks,
    residentPages: numberAt(21)
  })
}

const baseName = (text: string): string => text.slice(text.lastIndexOf("/") + 1)

/** `commandLine` as in `/proc/PID/cmdline`: arguments separated by NUL. */
export const matchesName = (wanted: string, kernelName: string, commandLine: string): boolean => {
  const [program = ""] = commandLine.split("\0")
  const [title = ""] = program.split(/[: ]/)
  if (baseName(program) === wanted || baseName(title) === wanted) return true
  // A kernel name of full length may be cut; it only counts when nothing better is known.
  return kernelName === wanted ||
    (kernelName.length === kernelNameLengthMax && wanted.startsWith(kernelName) && program === "")
}
