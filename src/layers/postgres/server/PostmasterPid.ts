/**
 * The lock file that the server keeps in its data directory, and what to do with one that is found at the start.
 *
 * A file whose process is dead, or whose id now belongs to somebody else, is removed. A server that still runs in the
 * directory has lost its parent (the owner's lock is ours by now): it is stopped.
 */
import { Effect, FileSystem, Option } from "effect"
import * as path from "node:path"
import * as OrphanProcess from "../../process/OrphanProcess.ts"
import { failedAt } from "../../process/SetupFailed.ts"

const read = Effect.fnUntraced(function*(dataDirectory: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const text = yield* fileSystem.readFileString(path.join(dataDirectory, "postmaster.pid")).pipe(Effect.option)
  return Option.flatMap(text, (content) => {
    const pid = Number(content.split("\n")[0])
    return Number.isInteger(pid) && pid > 1 ? Option.some(pid) : Option.none<number>()
  })
})

const stopSignals: ReadonlyArray<NodeJS.Signals> = ["SIGINT", "SIGQUIT", "SIGKILL"]

/** Afterwards no server runs in the directory and no lock file is there. */
export const clear = Effect.fn("PostmasterPid.clear")(function*(dataDirectory: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const pid = yield* read(dataDirectory)
  if (Option.isSome(pid)) {
    if (yield* OrphanProcess.worksIn(pid.value, dataDirectory)) {
      yield* Effect.logWarning(`Stopping PostgreSQL (process ${pid.value}), left behind by a program that was killed`)
      yield* OrphanProcess.stop(pid.value, stopSignals)
    } else {
      yield* Effect.logInfo(`Removing the lock file of a PostgreSQL that is gone (process ${pid.value})`)
    }
  }
  yield* fileSystem.remove(path.join(dataDirectory, "postmaster.pid"), { force: true }).pipe(
    Effect.mapError(failedAt("removing postmaster.pid"))
  )
})
