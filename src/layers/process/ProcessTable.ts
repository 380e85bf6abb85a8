/**
 * Facts about processes of this machine, from the kernel: the one place that reads `/proc/PID/stat`.
 *
 * A process id alone proves nothing, because ids are used again: the start time tells one life of an id from the next.
 * Without /proc (not Linux) only whether the id is alive is known.
 *
 * Read where we are and not in Node's threads: such a file is made as it is read and waits for nothing, so handing it to
 * a thread and back, five times a file, costs ten times as much as reading it. Between slices others have their turn.
 */
import { Duration, Effect, Option, Result, Schema } from "effect"
import * as fs from "node:fs"
import { parseStat, type ProcessStat } from "../../domain/monitoring/host/ProcessTable.ts"

export class ProcessTableUnreadable extends Schema.TaggedError<ProcessTableUnreadable>()("ProcessTableUnreadable", {
  reason: Schema.String
}) {
  override get message(): string {
    return this.reason
  }
}

const rootDefault = "/proc"
const sliceProcesses = 128
/** The longest line: some forty numbers and a name. */
const statBytesMax = 2_048

const buffer = Buffer.alloc(statBytesMax)

/** None for a process that is gone. */
const statOf = (pid: number | string, root: string = rootDefault): Option.Option<ProcessStat> => {
  let descriptor: number | undefined
  try {
    descriptor = fs.openSync(`${root}/${pid}/stat`, "r")
    return parseStat(buffer.toString("utf8", 0, fs.readSync(descriptor, buffer, 0, statBytesMax, null)))
  } catch {
    return Option.none()
  } finally {
    if (descriptor !== undefined) fs.closeSync(descriptor)
  }
}

/** All processes; one that ends while it is read does not count. */
export const read = (
  root: string = rootDefault
): Effect.Effect<ReadonlyArray<ProcessStat>, ProcessTableUnreadable> =>
  Effect.gen(function*() {
    const entries = yield* Effect.try({
      try: () => fs.readdirSync(root),
      catch: (cause) => new ProcessTableUnreadable({ reason: cause instanceof Error ? cause.message : String(cause) })
    })
    const pids = entries.filter((entry) => /^\d+$/.test(entry))
    const found: Array<ProcessStat> = []
    for (let from = 0; from < pids.length; from += sliceProcesses) {
      if (from > 0) yield* Effect.yieldNow
      for (const pid of pids.slice(from, from + sliceProcesses)) found.push(...Option.toArray(statOf(pid, root)))
    }
    return found
  })

/** So short that what is read of a process since the reading before stays true of its time. */
const sharedFor = Duration.millis(100)

/** One reading for all who ask at nearly the same time, as the checks of one poll do. */
export const shared = (table: ReturnType<typeof read> = read()): Effect.Effect<ReturnType<typeof read>> =>
  Effect.cachedWithTTL(table, sharedFor)

/** Whether a process with this id exists, ours or not; asked of the kernel at once, so that a transaction can ask too. */
export const isAlive = (pid: number): boolean =>
  Result.match(Result.try(() => process.kill(pid, 0)), {
    onFailure: (cause) => cause instanceof Error && "code" in cause && cause.code === "EPERM",
    onSuccess: () => true
  })

/** Ticks since boot at which the process started; none when it is gone, is a zombie, or there is no /proc. */
export const startTicks = (pid: number): Effect.Effect<Option.Option<number>> =>
  Effect.sync(() =>
    Option.flatMap(statOf(pid), (stat) => stat.state === "Z" ? Option.none() : Option.some(stat.startTicks))
  )

/** Whether the process still does something; a zombie, which waits for its parent only, does not. */
export const isRunning = Effect.fnUntraced(function*(pid: number) {
  if (!isAlive(pid)) return false
  return process.platform !== "linux" || Option.isSome(yield* startTicks(pid))
})

/** The folder that the process works in; none when we may not know it. */
export const workingDirectory = (pid: number): Effect.Effect<Option.Option<string>> =>
  Effect.option(Effect.try(() => fs.readlinkSync(`${rootDefault}/${pid}/cwd`)))
