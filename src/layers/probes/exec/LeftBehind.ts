/**
 * What a program has started in a session of its own, which a signal to its group does not reach.
 *
 * It is known by its environment, which it has from the program (Linux: /proc). One that gave itself another environment
 * is not found.
 */
import { Effect } from "effect"
import { readdir, readFile } from "node:fs/promises"

/** In the environment of a program and of all that it starts. */
export const variable = "SERVICERADAR_RUN"

/** While it is ended it may start others. */
const roundsMax = 5

const nothing = (): ReadonlyArray<string> => []

const isMarked = (pid: number, mark: string): Promise<boolean> =>
  readFile(`/proc/${pid}/environ`, "latin1").then(
    (text) => text.split("\0").includes(mark),
    // It has ended, or it is another user's.
    () => false
  )

const kill = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // It has ended meanwhile.
  }
}

/** How many were found and ended. Numbers of processes grow, so that those before the program need no look. */
const endSome = async (mark: string, after: number): Promise<number> => {
  const entries = await readdir("/proc").catch(nothing)
  const pids = entries.map(Number).filter((pid) => Number.isInteger(pid) && pid > after && pid !== process.pid)
  const marked = await Promise.all(pids.map((pid) => isMarked(pid, mark)))
  const found = pids.filter((_, at) => marked[at] === true)
  found.forEach(kill)
  return found.length
}

/** Ends all whose environment has the value, of processes that were started after the program. */
export const end = (value: string, program: number): Effect.Effect<void> =>
  Effect.promise(async () => {
    for (let round = 0; round < roundsMax; round++) {
      if (await endSome(`${variable}=${value}`, program) === 0) return
    }
  })
