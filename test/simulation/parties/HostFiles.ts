/** Files of one host that an operator writes: a program reads them, and sees that they have become others. */
import { ByteSize, Effect, FileSystem, Layer, Option, PlatformError, Queue, Stream } from "effect"
import * as FileWatch from "../../../src/layers/files/FileWatch.ts"
import * as Process from "../../../src/services/simulation/Process.ts"

interface Written {
  readonly text: string
  /** Another one for each time that it was written. */
  readonly version: number
}

const infoOf = (text: string, type: FileSystem.File.Type = "File"): FileSystem.File.Info => ({
  type,
  mtime: Option.none(),
  atime: Option.none(),
  birthtime: Option.none(),
  dev: 0n,
  ino: Option.none(),
  mode: 0o600,
  nlink: Option.none(),
  uid: Option.none(),
  gid: Option.none(),
  rdev: Option.none(),
  size: ByteSize.bytes(text.length),
  blksize: Option.none(),
  blocks: Option.none()
})

const folderInfo = infoOf("", "Directory")

/** What is told of a folder and nobody has taken yet: that something happens is all that counts. */
const toldMax = 1

export class HostFiles {
  readonly #files = new Map<string, Written>()
  readonly #absent = new Map<string, Effect.Effect<never, PlatformError.PlatformError>>()
  /** Of each folder that programs watch. */
  readonly #watching = new Map<string, Set<() => void>>()
  #version = 0

  write(path: string, text: string): void {
    this.#version += 1
    this.#files.set(path, { text, version: this.#version })
    for (const [folder, listeners] of this.#watching) {
      if (path.startsWith(`${folder}/`)) listeners.forEach((tell) => tell())
    }
  }

  remove(path: string): void {
    this.#files.delete(path)
  }

  /** What a program of the host sees. */
  readonly layer = Layer.suspend(() =>
    Layer.merge(
      FileSystem.layerNoop({
        stat: (path) =>
          this.#watching.has(path)
            ? Effect.succeed(folderInfo)
            : Effect.map(this.#find(path), ({ text }) => infoOf(text)),
        watch: (folder) => this.#watch(folder),
        readFileString: (path) => Effect.map(this.#find(path), ({ text }) => text),
        readDirectory: (folder) => Effect.sync(() => this.#names(folder)),
        exists: (path) => Effect.sync(() => this.#files.has(path))
      }),
      Layer.succeed(FileWatch.Current, {
        stampOf: (path) => Effect.sync(() => this.#stampOf(path)),
        stampsOf: (paths) => Effect.forEach(paths, (path) => Effect.sync(() => this.#stampOf(path))),
        names: (folder) => Effect.sync(() => this.#names(folder))
      })
    )
  )

  #watch(folder: string): Stream.Stream<FileSystem.WatchEvent> {
    return Stream.callback<FileSystem.WatchEvent>((queue) =>
      Effect.flatMap(Process.Current, (process) => {
        const listeners = this.#watching.get(folder) ?? new Set()
        this.#watching.set(folder, listeners)
        const tell = () => process?.enqueue(() => void Queue.offerUnsafe(queue, { _tag: "Update", path: folder }))
        const stop = () => void listeners.delete(tell)
        const forget = process?.onEnd(stop)
        return Effect.acquireRelease(
          Effect.sync(() => listeners.add(tell)),
          () =>
            Effect.sync(() => {
              stop()
              forget?.()
            })
        )
      }), { bufferSize: toldMax, strategy: "dropping" })
  }

  #stampOf(path: string): string {
    return `${this.#files.get(path)?.version ?? "absent"}`
  }

  #names(folder: string): Array<string> {
    return [...this.#files.keys()].filter((path) => path.startsWith(`${folder}/`)).map((path) =>
      path.slice(folder.length + 1)
    )
  }

  #find(path: string): Effect.Effect<Written, PlatformError.PlatformError> {
    return Effect.suspend(() => {
      const found = this.#files.get(path)
      return found === undefined ? this.#absence(path) : Effect.succeed(found)
    })
  }

  /** Made once: what looks for a file that may come looks every two seconds, and an error costs more than the look. */
  #absence(path: string): Effect.Effect<never, PlatformError.PlatformError> {
    const known = this.#absent.get(path)
    if (known !== undefined) return known
    const made = Effect.fail(PlatformError.systemError({
      _tag: "NotFound",
      module: "FileSystem",
      method: "stat",
      pathOrDescriptor: path,
      description: "no such file"
    }))
    this.#absent.set(path, made)
    return made
  }
}
