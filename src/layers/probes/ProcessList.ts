/**
 * The processes of this host by name, read from `/proc` once for all who ask at the same time.
 *
 * Reading takes two files per process, so a poller with many process checks would read the whole table as often as it
 * has checks. A process that starts while the table is read may be missed until it is read again.
 */
import { Duration, Effect, Fiber, type FileSystem, Option, Schema, type Scope } from "effect"
import { parseStat } from "../../domain/monitoring/host/ProcessTable.ts"

export class ProcessListError extends Schema.TaggedError<ProcessListError>()("ProcessListError", {
  reason: Schema.String
}) {
  override get message(): string {
    return `/proc: ${this.reason}`
  }
}

export interface RunningProcess {
  /** The kernel's name for it. */
  readonly name: string
  /** Arguments separated by NUL; only the beginning of a long one. */
  readonly commandLine: string
}

/** The processes that run; zombies do not. */
export type ProcessList = Effect.Effect<ReadonlyArray<RunningProcess>, ProcessListError>

/** The command line of a process whose memory is being torn down can take for ever to read. */
export const timeout = Duration.seconds(5)
const readsAtOnceMax = 16
const commandLineLengthMax = 1024

/** A process that ends while it is read does not count. */
const readProcess = (fs: FileSystem.FileSystem, pid: string): Effect.Effect<ReadonlyArray<RunningProcess>> =>
  Effect.gen(function*() {
    const stat = parseStat(yield* fs.readFileString(`/proc/${pid}/stat`))
    if (Option.isNone(stat) || stat.value.state === "Z" || stat.value.state === "X") return []
    const commandLine = yield* fs.readFileString(`/proc/${pid}/cmdline`)
    return [{ name: stat.value.name, commandLine: commandLine.slice(0, commandLineLengthMax) }]
  }).pipe(Effect.orElseSucceed(() => []))

const readAll = (fs: FileSystem.FileSystem): ProcessList =>
  fs.readDirectory("/proc").pipe(
    Effect.mapError((error) => new ProcessListError({ reason: error.message })),
    Effect.map((entries) => entries.filter((entry) => /^\d+$/.test(entry))),
    Effect.flatMap((pids) => Effect.forEach(pids, (pid) => readProcess(fs, pid), { concurrency: readsAtOnceMax })),
    Effect.map((found) => found.flat()),
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () => Effect.fail(new ProcessListError({ reason: `not read within ${Duration.format(timeout)}` }))
    })
  )

/** Reading goes on when one of those who wait for it does not wait any more; it ends with the Scope. */
export const make = (fs: FileSystem.FileSystem): Effect.Effect<ProcessList, never, Scope.Scope> =>
  Effect.map(Effect.scope, (scope) => {
    let reading: Fiber.Fiber<ReadonlyArray<RunningProcess>, ProcessListError> | undefined
    const done = Effect.sync(() => {
      reading = undefined
    })
    return Effect.suspend(() => {
      if (reading !== undefined) return Fiber.join(reading)
      return Effect.forkIn(Effect.ensuring(readAll(fs), done), scope).pipe(
        Effect.tap((fiber) =>
          Effect.sync(() => {
            reading = fiber
          })
        ),
        Effect.uninterruptible,
        Effect.flatMap(Fiber.join)
      )
    })
  })
