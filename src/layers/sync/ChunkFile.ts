/** A file of JSON arrays, each near `chunkBytesTarget`, written as elements come and read by their lengths. */
import { Effect, type Scope } from "effect"
import * as fs from "node:fs/promises"
import type { SpoolError } from "../../services/sync/Spool.ts"
import * as Database from "./Database.ts"

/** Far below the 4 MiB of a message, and little to hold for each reader. */
export const chunkBytesTarget = 512 * 1024

export const openFile = (path: string, flags: "r" | "w"): Effect.Effect<fs.FileHandle, SpoolError, Scope.Scope> =>
  Effect.acquireRelease(
    Database.attemptPromise(path, "opening", () => fs.open(path, flags, 0o600)),
    (handle) => Effect.promise(() => handle.close().catch(() => undefined))
  )

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
  const handle = yield* openFile(path, "w")
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
    return Database.attemptPromise(path, "writing", () => handle.writeFile(bytes))
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
      yield* Database.attemptPromise(path, "syncing", () => handle.sync())
      return lengths
    })
  }
  return result
})

/** Names of files that were renamed survive a power failure only with their folder. */
export const syncFolder = async (folder: string): Promise<void> => {
  const handle = await fs.open(folder, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

export const readExactly = (handle: fs.FileHandle, path: string, offset: number, length: number) =>
  Database.attemptPromise(path, "reading", async () => {
    // Not from the pool: a slow reader would keep all of it.
    const bytes = Buffer.allocUnsafeSlow(length)
    const { bytesRead } = await handle.read(bytes, 0, length, offset)
    return bytes.subarray(0, bytesRead)
  }).pipe(
    Effect.filterOrFail(
      (bytes) => bytes.length === length,
      (bytes) => Database.spoolError(path, "reading")(`${bytes.length} of ${length} bytes at ${offset}`)
    )
  )

/** Reads chunks in any order; what is opened stays readable when the file is removed. */
export const reader = Effect.fnUntraced(function*(path: string, lengths: ReadonlyArray<number>) {
  const handle = yield* openFile(path, "r")
  const offsets: Array<number> = []
  let offset = 0
  for (const length of lengths) {
    offsets.push(offset)
    offset += length
  }
  return (index: number) => readExactly(handle, path, offsets[index] ?? 0, lengths[index] ?? 0)
})
