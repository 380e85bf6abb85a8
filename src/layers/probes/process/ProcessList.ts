/**
 * The processes of this host by name, read from `/proc` once for all who ask at the same time.
 *
 * Reading takes two files per process, so a poller with many process checks would read the whole table as often as it
 * has checks. A process that starts while the table is read may be missed until it is read again. A command line is read
 * again after half a minute, or when the process goes by another name.
 */
import { Clock, Duration, Effect, Fiber, type FileSystem, Schema, type Scope } from "effect"
import type { ProcessStat } from "../../../domain/monitoring/host/ProcessTable.ts"
import * as ProcessTable from "../../process/ProcessTable.ts"

export class ProcessListError extends Schema.TaggedError<ProcessListError>()("ProcessListError", {
  reason: Schema.String
}) {
  override get message(): string {
    return `/proc: ${this.reason}`
  }
}

export interface RunningProcess extends ProcessStat {
  /** Arguments separated by NUL; only the beginning of a long one. */
  readonly commandLine: string
}

/** The processes that run; zombies do not. */
export type ProcessList = Effect.Effect<ReadonlyArray<RunningProcess>, ProcessListError>

/** The command line of a process whose memory is being torn down can take for ever to read. */
export const timeout = Duration.seconds(5)
const readsAtOnceMax = 16
const commandLineLengthMax = 1024

const commandLineAge = Duration.seconds(30)

interface Known {
  readonly commandLine: string
  readonly readAtNanos: bigint
}

/** One life of a process under one name. */
const keyOf = ({ name, pid, startTicks }: ProcessStat): string => `${pid}/${startTicks}/${name}`

/** Those read before, by key; what has ended is forgotten. A process that ends while it is read does not count. */
const commandLines = (fs: FileSystem.FileSystem) => {
  let known = new Map<string, Known>()
  const ageNanos = Duration.toNanosUnsafe(commandLineAge)

  const read = (stat: ProcessStat, nowNanos: bigint) => {
    const before = known.get(keyOf(stat))
    if (before !== undefined && nowNanos - before.readAtNanos < ageNanos) {
      return Effect.succeed([[stat, before] as const])
    }
    return fs.readFileString(`/proc/${stat.pid}/cmdline`).pipe(
      Effect.map((text): Known => ({ commandLine: text.slice(0, commandLineLengthMax), readAtNanos: nowNanos })),
      Effect.map((fresh) => [[stat, fresh] as const]),
      Effect.orElseSucceed(() => [])
    )
  }

  return Effect.fnUntraced(function*(stats: ReadonlyArray<ProcessStat>) {
    const nowNanos = yield* Clock.monotonicTimeNanos
    const found = yield* Effect.forEach(stats, (stat) => read(stat, nowNanos), { concurrency: readsAtOnceMax })
    const all = found.flat()
    known = new Map(all.map(([stat, one]) => [keyOf(stat), one]))
    return all.map(([stat, { commandLine }]): RunningProcess => ({ ...stat, commandLine }))
  })
}

const runs = ({ state }: ProcessStat): boolean => state !== "Z" && state !== "X"

const readAll = (fs: FileSystem.FileSystem, stats: ReturnType<typeof ProcessTable.read>): ProcessList => {
  const withCommandLines = commandLines(fs)
  return stats.pipe(
    Effect.mapError(({ message }) => new ProcessListError({ reason: message })),
    Effect.flatMap((found) => withCommandLines(found.filter(runs))),
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () => Effect.fail(new ProcessListError({ reason: `not read within ${Duration.format(timeout)}` }))
    })
  )
}

/** Reading goes on when one of those who wait for it does not wait any more; it ends with the Scope. */
export const make = (
  fs: FileSystem.FileSystem,
  stats: ReturnType<typeof ProcessTable.read> = ProcessTable.read()
): Effect.Effect<ProcessList, never, Scope.Scope> =>
  Effect.map(Effect.scope, (scope) => {
    const read = readAll(fs, stats)
    let reading: Fiber.Fiber<ReadonlyArray<RunningProcess>, ProcessListError> | undefined
    const done = Effect.sync(() => {
      reading = undefined
    })
    return Effect.suspend(() => {
      if (reading !== undefined) return Fiber.join(reading)
      return Effect.forkIn(Effect.ensuring(read, done), scope).pipe(
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
