/**
 * Segments in a folder of this machine that only we can write to (0700), as files that only we can read (0600).
 *
 * Nothing is opened through a link, and what is no plain file is not read. `owner.json` names the poller that has the folder.
 */
import { Effect, FileSystem } from "effect"
import { constants } from "node:fs"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as DirectoryLock from "../../process/DirectoryLock.ts"
import * as SafeDirectory from "../../process/SafeDirectory.ts"
import { systemText } from "../../process/SystemText.ts"
import * as LargeBytes from "../LargeBytes.ts"
import { BufferFault, type SegmentFile, type SegmentFiles } from "./SegmentFiles.ts"

/** A pipe in a file's place must not hold us up. */
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const appendFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND |
  constants.O_NOFOLLOW
const cutFlags = constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

const codeOf = (cause: unknown): unknown => cause instanceof Error && "code" in cause ? cause.code : undefined

const attempt = <A>(file: string, step: string, work: () => Promise<A>): Effect.Effect<A, BufferFault> =>
  Effect.tryPromise({
    try: work,
    catch: (cause) =>
      new BufferFault({
        path: file,
        step,
        detail: cause instanceof Error ? systemText(cause) : String(cause),
        isAbsent: codeOf(cause) === "ENOENT"
      })
    // An operation that has begun ends before the next begins.
  }).pipe(Effect.uninterruptible)

const withHandle = async <A>(file: string, flags: number, use: (handle: fs.FileHandle) => Promise<A>): Promise<A> => {
  const handle = await fs.open(file, flags)
  try {
    if (!(await handle.stat()).isFile()) throw new Error("it is no plain file")
    return await use(handle)
  } finally {
    await handle.close()
  }
}

const segmentFile = (file: string, handle: fs.FileHandle): SegmentFile => ({
  append: (bytes) =>
    Effect.tap(
      attempt(file, "writing", () => handle.writeFile(bytes)),
      Effect.sync(() => LargeBytes.release(bytes))
    ),
  sync: attempt(file, "syncing", async () => {
    await handle.datasync()
    // Whoever removes it takes what is written to it from then on.
    const [own, here] = [await handle.stat(), await fs.lstat(file)]
    if (own.ino !== here.ino) throw Object.assign(new Error("another file has its place"), { code: "ENOENT" })
  }),
  close: Effect.ignore(attempt(file, "closing", () => handle.close()))
})

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await fs.open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

export const make = Effect.fnUntraced(function*(folder: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const at = (name: string) => path.join(folder, name)
  const hold = Effect.gen(function*() {
    // Those above it are for others too.
    yield* SafeDirectory.make(path.dirname(folder))
    yield* SafeDirectory.ensure(folder, 0o700)
    yield* DirectoryLock.acquire(folder)
  }).pipe(
    Effect.mapError((error) =>
      new BufferFault({
        path: folder,
        step: "taking the folder",
        detail: error._tag === "PlatformError" ? systemText(error) : error.message,
        isAbsent: false
      })
    ),
    Effect.provideService(FileSystem.FileSystem, fileSystem)
  )
  const files: SegmentFiles = {
    folder,
    hold,
    list: attempt(folder, "listing", async () => {
      const names = await fs.readdir(folder)
      const stats = await Promise.all(names.map((name) => fs.lstat(at(name)).catch(() => undefined)))
      return names.flatMap((name, index) => {
        const info = stats[index]
        return info === undefined ? [] : [{ name, bytes: info.size }]
      })
    }),
    create: (name) =>
      Effect.map(
        attempt(at(name), "making it", () => fs.open(at(name), appendFlags, 0o600)),
        (handle) => segmentFile(at(name), handle)
      ),
    read: (name, offset, length) =>
      attempt(at(name), "reading", () =>
        withHandle(at(name), readFlags, async (handle) => {
          const { size } = await handle.stat()
          // Not from the pool: what is kept of it would keep all of that.
          const bytes = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, size - offset)))
          let filled = 0
          while (filled < bytes.length) {
            const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, offset + filled)
            if (bytesRead === 0) break
            filled += bytesRead
          }
          return bytes.subarray(0, filled)
        })),
    truncate: (name, bytes) =>
      attempt(at(name), "cutting it", () =>
        withHandle(at(name), cutFlags, async (handle) => {
          await handle.truncate(bytes)
          await handle.sync()
        })),
    rename: (from, to) => attempt(at(from), "renaming it", () => fs.rename(at(from), at(to))),
    remove: (name) => attempt(at(name), "removing it", () => fs.rm(at(name), { force: true })),
    syncFolder: attempt(folder, "syncing", () => syncFolder(folder))
  }
  return files
})
