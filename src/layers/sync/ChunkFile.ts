/** A file of JSON arrays, each near `chunkBytesTarget`, written as elements come and read by their lengths. */
import { Effect, type Scope } from "effect"
import type { SpoolError } from "../../services/sync/Spool.ts"
import * as Database from "./Database.ts"
import * as SpoolFiles from "./SpoolFiles.ts"

/** Far below the 4 MiB of a message, and little to hold for each reader. */
export const chunkBytesTarget = 512 * 1024

export const openFile = (
  path: string,
  flags: "r" | "w"
): Effect.Effect<SpoolFiles.SpoolFile, SpoolError, Scope.Scope> =>
  Effect.flatMap(SpoolFiles.Current, ({ open }) => open(path, flags))

/** Where an element is in the file, in bytes. */
export interface Place {
  readonly offset: number
  readonly length: number
}

export interface ChunkWriter {
  readonly append: (elements: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Place>, SpoolError>
  /** The lengths of the chunks: at least one, which is `[]` when nothing came. */
  readonly end: Effect.Effect<ReadonlyArray<number>, SpoolError>
}

export const writer = Effect.fnUntraced(function*(path: string) {
  const file = yield* openFile(path, "w")
  const lengths: Array<number> = []
  let pending: Array<string> = []
  let pendingBytes = 0
  let flushedBytes = 0

  const flush = Effect.suspend(() => {
    const bytes = Buffer.from(`[${pending.join(",")}]`)
    pending = []
    pendingBytes = 0
    lengths.push(bytes.length)
    flushedBytes += bytes.length
    return file.write(bytes)
  })

  const result: ChunkWriter = {
    append: Effect.fnUntraced(function*(elements) {
      const places: Array<Place> = []
      for (const element of elements) {
        const length = Buffer.byteLength(element)
        // After the opening bracket and the elements before it, each with a comma.
        places.push({ offset: flushedBytes + 1 + pendingBytes, length })
        pending.push(element)
        pendingBytes += length + 1
        if (pendingBytes >= chunkBytesTarget) yield* flush
      }
      return places
    }),
    end: Effect.gen(function*() {
      if (pending.length > 0 || lengths.length === 0) yield* flush
      yield* file.sync
      return lengths
    })
  }
  return result
})

export const readExactly = (file: SpoolFiles.SpoolFile, path: string, offset: number, length: number) =>
  Effect.suspend(() => {
    // Not from the pool: a slow reader would keep all of it.
    const bytes = Buffer.allocUnsafeSlow(length)
    return Effect.flatMap(
      file.read(bytes, offset),
      (bytesRead) =>
        bytesRead === length
          ? Effect.succeed(bytes)
          : Effect.fail(Database.spoolError(path, "reading")(`${bytesRead} of ${length} bytes at ${offset}`))
    )
  })

/** Reads chunks in any order; what is opened stays readable when the file is removed. */
export const reader = Effect.fnUntraced(function*(path: string, lengths: ReadonlyArray<number>) {
  const file = yield* openFile(path, "r")
  const offsets: Array<number> = []
  let offset = 0
  for (const length of lengths) {
    offsets.push(offset)
    offset += length
  }
  return (index: number) => readExactly(file, path, offsets[index] ?? 0, lengths[index] ?? 0)
})
