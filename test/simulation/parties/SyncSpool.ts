/** The spool's folder on this machine, without waiting: a world runs within one synchronous call. */
import { ByteSize, Effect, FileSystem, Option } from "effect"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import type { SpoolFiles } from "../../../src/layers/sync/SpoolFiles.ts"

export interface SyncSpool {
  readonly folder: string
  readonly fileSystem: FileSystem.FileSystem
  readonly files: SpoolFiles
  /** Closes what a process that is gone had open. */
  readonly begin: () => void
  readonly remove: () => void
}

const infoOf = ({ dev, ino, mode, size }: fs.Stats): FileSystem.File.Info => ({
  type: "File",
  mtime: Option.none(),
  atime: Option.none(),
  birthtime: Option.none(),
  dev: BigInt(dev),
  ino: Option.some(BigInt(ino)),
  mode,
  nlink: Option.none(),
  uid: Option.none(),
  gid: Option.none(),
  rdev: Option.none(),
  size: ByteSize.bytes(size),
  blksize: Option.none(),
  blocks: Option.none()
})

const fileSystem = FileSystem.makeNoop({
  makeDirectory: (folder) => Effect.sync(() => void fs.mkdirSync(folder, { recursive: true })),
  access: (file) => Effect.sync(() => fs.accessSync(file)),
  stat: (file) => Effect.sync(() => infoOf(fs.statSync(file))),
  readDirectory: (folder) => Effect.sync(() => fs.readdirSync(folder)),
  remove: (file) => Effect.sync(() => fs.rmSync(file, { force: true })),
  rename: (from, to) => Effect.sync(() => fs.renameSync(from, to))
})

/** In memory where there is such a folder: nothing of it is to outlive the world. */
const root = fs.existsSync("/dev/shm") ? "/dev/shm" : os.tmpdir()
const prefix = "serviceradar-simulation-"

const isGone = (pid: number): boolean => {
  try {
    return !process.kill(pid, 0)
  } catch (cause) {
    return cause instanceof Error && "code" in cause && cause.code === "ESRCH"
  }
}

/** A process that is interrupted leaves its folder: a world runs within one synchronous call, which hears no signal. */
export const removeLeft = (): void => {
  for (const name of fs.readdirSync(root)) {
    const pid = name.startsWith(prefix) ? /^\d+(?=-)/.exec(name.slice(prefix.length))?.[0] : undefined
    if (pid !== undefined && isGone(Number(pid))) fs.rmSync(path.join(root, name), { recursive: true, force: true })
  }
}

export const make = (): SyncSpool => {
  const folder = fs.mkdtempSync(path.join(root, `${prefix}${process.pid}-`))
  const open = new Set<number>()
  const close = (descriptor: number): void => {
    if (open.delete(descriptor)) fs.closeSync(descriptor)
  }
  const closeAll = (): void => open.forEach(close)
  return {
    folder,
    fileSystem,
    files: {
      open: (file, flags) =>
        Effect.map(
          Effect.acquireRelease(
            Effect.sync(() => {
              const descriptor = fs.openSync(file, flags, 0o600)
              open.add(descriptor)
              return descriptor
            }),
            (descriptor) => Effect.sync(() => close(descriptor))
          ),
          (descriptor) => ({
            write: (bytes) =>
              Effect.sync(() => {
                for (let from = 0; from < bytes.length;) from += fs.writeSync(descriptor, bytes, from)
              }),
            sync: Effect.void,
            read: (into, offset) => Effect.sync(() => fs.readSync(descriptor, into, 0, into.length, offset))
          })
        ),
      sync: () => Effect.void,
      syncFolder: () => Effect.void
    },
    begin: closeAll,
    remove: () => {
      closeAll()
      fs.rmSync(folder, { recursive: true, force: true })
    }
  }
}
