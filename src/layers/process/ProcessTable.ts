/**
 * Facts about other processes of this machine.
 *
 * A process id alone proves nothing, because ids are used again: the start time tells one life of an id from the next.
 * Without /proc (not Linux) only whether the id is alive is known.
 */
import { Effect, FileSystem, Option, Result } from "effect"

/** Whether a process with this id exists, ours or not. */
export const isAlive = (pid: number): Effect.Effect<boolean> =>
  Effect.sync(() =>
    Result.match(Result.try(() => process.kill(pid, 0)), {
      onFailure: (cause) => cause instanceof Error && "code" in cause && cause.code === "EPERM",
      onSuccess: () => true
    })
  )

/** Ticks since boot at which the process started; none when it is gone, is a zombie, or there is no /proc. */
export const startTicks = (pid: number): Effect.Effect<Option.Option<string>, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fileSystem = yield* FileSystem.FileSystem
    const text = yield* fileSystem.readFileString(`/proc/${pid}/stat`).pipe(Effect.orElseSucceed(() => ""))
    // The second field is the program's name in parentheses and may contain anything.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
    return fields[0] === "Z" ? Option.none() : Option.fromNullishOr(fields[19])
  })

/** Whether the process still does something; a zombie, which waits for its parent only, does not. */
export const isRunning = Effect.fnUntraced(function*(pid: number) {
  if (!(yield* isAlive(pid))) return false
  return process.platform !== "linux" || Option.isSome(yield* startTicks(pid))
})

/** The folder that the process works in. */
export const workingDirectory = (pid: number): Effect.Effect<Option.Option<string>, never, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (fileSystem) => Effect.option(fileSystem.readLink(`/proc/${pid}/cwd`)))
