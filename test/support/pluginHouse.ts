/** The process that has the threads of an agent's plugins, as the system tells of it. */
import { Effect, Option } from "effect"
import * as fs from "node:fs/promises"
import { eventually } from "./Program.ts"

const textOf = (file: string): Promise<string> => fs.readFile(file, "utf8").catch(() => "")

const isHouse = async (pid: number): Promise<boolean> =>
  // One that has ended and was not waited for has no command any more.
  (await textOf(`/proc/${pid}/cmdline`)).startsWith("serviceradar-plugins")

/** Those that the process has begun and that run now. */
export const allOf = (parent: number): Effect.Effect<ReadonlyArray<number>> =>
  Effect.promise(async () => {
    const pids = (await fs.readdir("/proc")).map(Number).filter((pid) => Number.isInteger(pid))
    const found = await Promise.all(pids.map(async (pid) => {
      const stat = await textOf(`/proc/${pid}/stat`)
      // Behind a name that may hold anything.
      const [, ofParent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      return Number(ofParent) === parent && await isHouse(pid)
    }))
    return pids.filter((_, at) => found[at] === true)
  })

export const of = (parent: number): Effect.Effect<number> =>
  eventually("a process of the plugins", Effect.map(allOf(parent), ([pid]) => Option.fromUndefinedOr(pid)), {
    within: "20 seconds"
  }).pipe(Effect.orDie)

export const untilGone = (pid: number): Effect.Effect<void> =>
  eventually(
    "the end of the process of the plugins",
    Effect.map(Effect.promise(() => isHouse(pid)), (runs) => runs ? Option.none() : Option.some(undefined)),
    { within: "20 seconds" }
  ).pipe(Effect.orDie)
