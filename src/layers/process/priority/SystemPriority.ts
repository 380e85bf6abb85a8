/** How much of the processors a process or a thread gets beside others. Where the system does not let us, it is as it was. */
import { execFile } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"

/** As `nice` has it: 0 as everybody, 19 only what nobody else wants. Anybody may raise it for what is his, only root lowers it. */
export type Niceness = number

/** It has ended meanwhile, or the system does not let us. */
const whereAllowed = (work: () => void): void => {
  try {
    work()
  } catch {
    // See above.
  }
}

export const least: Niceness = os.constants.priority.PRIORITY_LOW

/** By so much less than what this process has. */
export const below = (by: Niceness): Niceness => Math.min(least, os.getPriority() + by)

/** Of a process, or of a thread by the id that Linux has for it. */
export const lower = (id: number, niceness: Niceness): void => whereAllowed(() => os.setPriority(id, niceness))

/**
 * Of a process that leads a session of its own: Linux may share a processor among sessions first, and by priority only within
 * each, so the session's own share has to be lowered too.
 */
export const lowerSession = (pid: number, niceness: Niceness): void =>
  whereAllowed(() => {
    const group = `/proc/${pid}/autogroup`
    if (!fs.readFileSync(group, "utf8").trimEnd().endsWith(` ${niceness}`)) fs.writeFileSync(group, String(niceness))
  })

const chrtLimitMillis = 2_000
/** Where `chrt` is; a process of ours may have no PATH. */
const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" }

/**
 * For good: it gets a processor when nobody else wants it, and loses it at once to whoever does, where the least priority by
 * `nice` still finishes its turn of some milliseconds. That is Linux' SCHED_IDLE, which everybody may enter. Node knows no way
 * to it but `chrt` of util-linux; where there is none, the priority stays as it is.
 */
export const idle = (id: number): void => {
  execFile("chrt", ["--idle", "--pid", "0", String(id)], { env, timeout: chrtLimitMillis }, () => {})
}
