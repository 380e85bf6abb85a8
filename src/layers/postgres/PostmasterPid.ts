/**
 * The lock file that the server keeps in its data directory, and what to do with one that is found at the start.
 *
 * A file whose process is dead, or whose id now belongs to somebody else, is removed. A server that still runs in the
 * directory has lost its parent (the owner's lock is ours by now): it is stopped, because adopting it would leave us
 * without its output and exit code.
 */
import { Effect, FileSystem, Option, Schedule } from "effect"
import * as path from "node:path"
import * as ProcessTable from "../process/ProcessTable.ts"
import { failedAt, SetupFailed } from "../process/SetupFailed.ts"

const read = Effect.fnUntraced(function*(dataDirectory: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const text = yield* fileSystem.readFileString(path.join(dataDirectory, "postmaster.pid")).pipe(Effect.option)
  return Option.flatMap(text, (content) => {
    const pid = Number(content.split("\n")[0])
    return Number.isInteger(pid) && pid > 1 ? Option.some(pid) : Option.none<number>()
  })
})

/** A postmaster works in its data directory; nobody else does. */
const isPostmasterOf = Effect.fnUntraced(function*(pid: number, dataDirectory: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const real = yield* fileSystem.realPath(dataDirectory).pipe(Effect.orElseSucceed(() => dataDirectory))
  const alive = Option.isSome(yield* ProcessTable.startTicks(pid))
  return alive && Option.contains(yield* ProcessTable.workingDirectory(pid), real)
})

const waitUntilGone = (pid: number) =>
  ProcessTable.startTicks(pid).pipe(
    Effect.repeat({ until: Option.isNone, schedule: Schedule.spaced("50 millis") }),
    Effect.timeoutOption("8 seconds"),
    Effect.map(Option.isSome)
  )

const stopSignals: ReadonlyArray<NodeJS.Signals> = ["SIGINT", "SIGQUIT", "SIGKILL"]

const stopOrphan = Effect.fnUntraced(function*(pid: number) {
  for (const signal of stopSignals) {
    yield* Effect.ignore(Effect.try(() => process.kill(pid, signal)))
    if (yield* waitUntilGone(pid)) return
  }
  return yield* new SetupFailed({
    step: "stopping the server that a killed program left behind",
    detail: `process ${pid} does not end`
  })
})

/** Afterwards no server runs in the directory and no lock file is there. */
export const clear = Effect.fn("PostmasterPid.clear")(function*(dataDirectory: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const pid = yield* read(dataDirectory)
  if (Option.isSome(pid)) {
    if (yield* isPostmasterOf(pid.value, dataDirectory)) {
      yield* Effect.logWarning(`Stopping PostgreSQL (process ${pid.value}), left behind by a program that was killed`)
      yield* stopOrphan(pid.value)
    } else {
      yield* Effect.logInfo(`Removing the lock file of a PostgreSQL that is gone (process ${pid.value})`)
    }
  }
  yield* fileSystem.remove(path.join(dataDirectory, "postmaster.pid"), { force: true }).pipe(
    Effect.mapError(failedAt("removing postmaster.pid"))
  )
})
