/**
 * A server that lost its parent, because the program that started it was killed.
 *
 * Recognised by its id and the folder that it works in: an id alone may belong to somebody else by now. It is stopped and
 * not adopted, because adopting it would leave us without its output and exit code.
 */
import { Effect, FileSystem, Option, Schedule } from "effect"
import * as ProcessTable from "./ProcessTable.ts"
import { SetupFailed } from "./SetupFailed.ts"

/** Whether the process is alive and works in the directory, as our servers do and nobody else does. */
export const worksIn = Effect.fnUntraced(function*(pid: number, directory: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const real = yield* fileSystem.realPath(directory).pipe(Effect.orElseSucceed(() => directory))
  const running = yield* ProcessTable.isRunning(pid)
  return running && Option.contains(yield* ProcessTable.workingDirectory(pid), real)
})

const waitUntilGone = (pid: number) =>
  ProcessTable.isRunning(pid).pipe(
    Effect.repeat({ until: (running) => !running, schedule: Schedule.spaced("50 millis") }),
    Effect.timeoutOption("8 seconds"),
    Effect.map(Option.isSome)
  )

/**
 * Ends at once all processes of this name that work in the directory. A server of several processes whose first was killed
 * leaves the others behind where they can hear of nothing, as when they were stopped; nobody speaks to them any more.
 */
export const endAllIn = Effect.fnUntraced(function*(directory: string, name: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const real = yield* fileSystem.realPath(directory).pipe(Effect.orElseSucceed(() => directory))
  const named = (yield* ProcessTable.read().pipe(Effect.orElseSucceed(() => []))).filter((one) => one.name === name)
  const ended: Array<number> = []
  for (const { pid } of named) {
    if (!Option.contains(yield* ProcessTable.workingDirectory(pid), real)) continue
    yield* Effect.ignore(Effect.try(() => process.kill(pid, "SIGKILL")))
    ended.push(pid)
  }
  return ended
})

/** Sends one signal after another until the process is gone. */
export const stop = Effect.fn("OrphanProcess.stop")(function*(pid: number, signals: ReadonlyArray<NodeJS.Signals>) {
  for (const signal of signals) {
    yield* Effect.ignore(Effect.try(() => process.kill(pid, signal)))
    if (yield* waitUntilGone(pid)) return
  }
  return yield* new SetupFailed({
    step: "stopping the server that a killed program left behind",
    detail: `process ${pid} does not end`
  })
})
