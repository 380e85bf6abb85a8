/** Files of one host that an operator writes: a program reads them, and sees that they have become others. */
import { ByteSize, Effect, FileSystem, Layer, Option, PlatformError } from "effect"
import * as FileWatch from "../../../src/layers/files/FileWatch.ts"

interface Written {
  readonly text: string
  /** Another one for each time that it was written. */
  readonly version: number
}

const infoOf = (text: string): FileSystem.File.Info => ({
  type: "File",
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

export class HostFiles {
  readonly #files = new Map<string, Written>()
  #version = 0

  write(path: string, text: string): void {
    this.#version += 1
    this.#files.set(path, { text, version: this.#version })
  }

  remove(path: string): void {
    this.#files.delete(path)
  }

  /** What a program of the host sees. */
  readonly layer = Layer.suspend(() =>
    Layer.merge(
      FileSystem.layerNoop({
        stat: (path) => Effect.map(this.#find(path), ({ text }) => infoOf(text)),
        readFileString: (path) => Effect.map(this.#find(path), ({ text }) => text),
        readDirectory: (folder) => Effect.sync(() => this.#names(folder)),
        exists: (path) => Effect.sync(() => this.#files.has(path))
      }),
      Layer.succeed(FileWatch.Current, {
        stampOf: (path) => Effect.sync(() => `${this.#files.get(path)?.version ?? "absent"}`),
        names: (folder) => Effect.sync(() => this.#names(folder))
      })
    )
  )

  #names(folder: string): Array<string> {
    return [...this.#files.keys()].filter((path) => path.startsWith(`${folder}/`)).map((path) =>
      path.slice(folder.length + 1)
    )
  }

  #find(path: string): Effect.Effect<Written, PlatformError.PlatformError> {
    return Effect.suspend(() => {
      const found = this.#files.get(path)
      return found === undefined
        ? Effect.fail(
          PlatformError.systemError({
            _tag: "NotFound",
            module: "FileSystem",
            method: "stat",
            pathOrDescriptor: path,
            description: "no such file"
          })
        )
        : Effect.succeed(found)
    })
  }
}
