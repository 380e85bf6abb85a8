/**
 * What the kernel tells of each process, in `/proc/PID/stat`.
 *
 * Read where we are and not in Node's threads: such a file is made as it is read and waits for nothing, so handing it to
 * a thread and back, five times a file, costs ten times as much as reading it. Between slices others have their turn.
 */
import { Effect, Option, Schema } from "effect"
import * as fs from "node:fs"
import { parseStat, type ProcessStat } from "../../domain/monitoring/host/ProcessTable.ts"

export class ProcessTableUnreadable extends Schema.TaggedError<ProcessTableUnreadable>()("ProcessTableUnreadable", {
  reason: Schema.String
}) {
  override get message(): string {
    return this.reason
  }
}

const sliceProcesses = 128
/** The longest line: some forty numbers and a name. */
const statBytesMax = 2_048

const buffer = Buffer.alloc(statBytesMax)

/** A process that ends while it is read does not count. */
const readStat = (pid: string): Option.Option<ProcessStat> => {
  let descriptor: number | undefined
  try {
    descriptor = fs.openSync(`/proc/${pid}/stat`, "r")
    return parseStat(buffer.toString("utf8", 0, fs.readSync(descriptor, buffer, 0, statBytesMax, null)))
  } catch {
    return Option.none()
  } finally {
    if (descriptor !== undefined) fs.closeSync(descriptor)
  }
}

export const read: Effect.Effect<ReadonlyArray<ProcessStat>, ProcessTableUnreadable> = Effect.gen(function*() {
  const entries = yield* Effect.try({
    try: () => fs.readdirSync("/proc"),
    catch: (cause) => new ProcessTableUnreadable({ reason: cause instanceof Error ? cause.message : String(cause) })
  })
  const pids = entries.filter((entry) => /^\d+$/.test(entry))
  const found: Array<ProcessStat> = []
  for (let from = 0; from < pids.length; from += sliceProcesses) {
    if (from > 0) yield* Effect.yieldNow
    for (const pid of pids.slice(from, from + sliceProcesses)) found.push(...Option.toArray(readStat(pid)))
  }
  return found
})
