/**
 * Whether there is room on the disk that a folder of ours is on: a full disk is a state that passes, and is told as such.
 */
import { Effect, Option, Schema } from "effect"
import { statfs } from "node:fs/promises"
import * as path from "node:path"

export class DiskFull extends Schema.TaggedError<DiskFull>()("DiskFull", {
  folder: Schema.String,
  freeBytes: Schema.Finite
}) {
  override get message(): string {
    return `no space left on the disk of ${this.folder}: ${Math.floor(this.freeBytes / 2 ** 20)} MiB are free, ` +
      `PostgreSQL needs ${freeBytesMin / 2 ** 20} for its next log segment`
  }
}

/** A segment of PostgreSQL's write-ahead log: without room for the next one it stops. */
const freeBytesMin = 16 * 2 ** 20

/** Of the nearest folder that exists; none where that cannot be told. */
const freeBytes = (folder: string): Effect.Effect<Option.Option<number>> =>
  Effect.tryPromise(() => statfs(folder)).pipe(
    Effect.map(({ bavail, bsize }) => Option.some(bavail * bsize)),
    Effect.catch(() => {
      const parent = path.dirname(folder)
      return parent === folder ? Effect.succeedNone : freeBytes(parent)
    })
  )

export const check = (folder: string): Effect.Effect<void, DiskFull> =>
  Effect.flatMap(freeBytes(path.resolve(folder)), (free) =>
    Option.isSome(free) && free.value < freeBytesMin
      ? Effect.fail(new DiskFull({ folder, freeBytes: free.value }))
      : Effect.void)
