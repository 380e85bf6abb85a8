/** Processes that a program of ours has begun beside it, as the system tells of them. */
import { Effect, Option } from "effect"
import * as fs from "node:fs/promises"
import { eventually } from "./Program.ts"

export type HouseName = "serviceradar-plugins" | "serviceradar-programs"

const textOf = (file: string): Promise<string> => fs.readFile(file, "utf8").catch(() => "")

const commandOf = (pid: number): Promise<string> => textOf(`/proc/${pid}/cmdline`)

/** Those that the process has begun and that run now. */
export const allOf = (name: HouseName, parent: number): Effect.Effect<ReadonlyArray<number>> =>
  Effect.promise(async () => {
    const pids = (await fs.readdir("/proc")).map(Number).filter((pid) => Number.isInteger(pid))
    const found = await Promise.all(pids.map(async (pid) => {
      const stat = await textOf(`/proc/${pid}/stat`)
      // Behind a name that may hold anything.
      const [, ofParent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      return Number(ofParent) === parent && (await commandOf(pid)).startsWith(name)
    }))
    return pids.filter((_, at) => found[at] === true)
  })

export const of = (name: HouseName, parent: number): Effect.Effect<number> =>
  eventually(`a process ${name}`, Effect.map(allOf(name, parent), ([pid]) => Option.fromUndefinedOr(pid)), {
    within: "20 seconds"
  }).pipe(Effect.orDie)

/** One that has ended and was not waited for has no command any more. */
export const untilGone = (pid: number): Effect.Effect<void> =>
  eventually(
    `the end of process ${pid}`,
    Effect.map(Effect.promise(() => commandOf(pid)), (command) =>
      command === "" ? Option.some(undefined) : Option.none()),
    { within: "20 seconds" }
  ).pipe(Effect.orDie)
