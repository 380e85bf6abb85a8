/** How much of the processors a process or a thread gets beside others. Where the system does not let us, it is as it was. */
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
