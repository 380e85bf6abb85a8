/** How much of the processors a process or a thread gets beside others. Where the system does not let us, it is as it was. */
import { Effect } from "effect"
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

const idleLimitMillis = 2_000
let isToldOfMissing = false

/** Whether there is a program to ask for it. */
const askedFor = (id: number): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const args = ["--idle", "--pid", "0", String(id)]
    const child = execFile("chrt", args, { timeout: idleLimitMillis, killSignal: "SIGKILL" }, (error) => {
      // Any other error: the thread has ended meanwhile, or the system does not let us.
      resume(Effect.succeed(error?.code !== "ENOENT"))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })

/**
 * For good: it gets a processor when nobody else of its session wants it, and loses it at once to whoever does, where the least
 * priority by `nice` still finishes its turn of some milliseconds. That is Linux' SCHED_IDLE; everybody may enter it, and only
 * root leaves it. Where there is no `chrt` (util-linux), the priority stays as it is, which is told once.
 */
export const idle = Effect.fnUntraced(function*(id: number) {
  if ((yield* askedFor(id)) || isToldOfMissing) return
  isToldOfMissing = true
  yield* Effect.logInfo("there is no chrt (util-linux): threads that spin get the least priority, and no lower one")
})
