import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Result } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import * as NatsServerBinary from "../../../../src/layers/nats/server/NatsServerBinary.ts"
import type { SetupFailed } from "../../../../src/layers/process/SetupFailed.ts"
import * as NatsServer from "../../../support/natsServer.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"

/** A program that answers `--version` as it is told. */
const programSaying = Effect.fnUntraced(function*(folder: string, text: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const file = path.join(folder, "nats-server")
  yield* fileSystem.makeDirectory(folder, { recursive: true })
  yield* fileSystem.writeFileString(file, `#!/bin/sh\necho '${text}'\n`, { mode: 0o755 })
  return file
})

/** Elsewhere than on Debian and Ubuntu there is no package to unpack, which is then what an operator is told. */
const hasPackages = fs.existsSync("/usr/bin/apt-get")

const pathOf = (found: Result.Result<NatsServerBinary.NatsServerBinary, SetupFailed>) =>
  Result.isSuccess(found) ? found.success.path : found.failure.message

describe("NatsServerBinary", () => {
  it.live("takes the program that is named", () =>
    Effect.gen(function*() {
      const named = yield* NatsServer.programPath

      const found = yield* NatsServerBinary.find({ named, searchPath: "" })

      assert.deepStrictEqual({ ...found, version: "" }, { path: named, version: "", source: "environment" })
      assert.match(found.version, /^\d+\.\d+\.\d+/)
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("does not pass over a named program that is none", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const other = yield* programSaying(folder, "hello")

      const absent = yield* Effect.flip(
        NatsServerBinary.find({ named: "/nowhere/nats-server", searchPath: "/usr/bin" })
      )
      const wrong = yield* Effect.flip(NatsServerBinary.find({ named: other, searchPath: "/usr/bin" }))

      assert.include(absent.message, "NATS_SERVER_BIN=/nowhere/nats-server")
      assert.include(absent.message, "ENOENT")
      assert.include(wrong.message, `${other} is no nats-server`)
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("passes over one on the PATH that is too old", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const old = path.dirname(yield* programSaying(path.join(folder, "old"), "nats-server: v2.8.4"))
      const recent = path.dirname(yield* programSaying(path.join(folder, "recent"), "nats-server: v2.12.1"))

      const found = yield* NatsServerBinary.find({ searchPath: [old, recent].join(path.delimiter) })

      assert.deepStrictEqual(found, { path: path.join(recent, "nats-server"), version: "2.12.1", source: "path" })
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("unpacks the package once when two start at the same time, and leaves only the program in the cache", () =>
    Effect.gen(function*() {
      const fileSystem = yield* FileSystem.FileSystem
      const cache = path.join(yield* temporaryFolder, "cache")
      const find = Effect.result(NatsServerBinary.ofPackage([cache]))

      const both = yield* Effect.all([find, find], { concurrency: 2 })
      const later = yield* find

      if (hasPackages) {
        const file = path.join(cache, `nats-server-${process.platform}-${process.arch}`)
        assert.deepStrictEqual(both.map(pathOf), [file, file])
        assert.strictEqual(Result.isSuccess(later) && later.success.source, "cache")
        assert.deepStrictEqual(yield* fileSystem.readDirectory(cache), [path.basename(file)])
      } else {
        assert.strictEqual(Result.isFailure(later) && later.failure.step, "running apt-get")
        assert.deepStrictEqual(yield* fileSystem.readDirectory(cache), [])
      }
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("replaces a program in the cache that does not run", () =>
    Effect.gen(function*() {
      const fileSystem = yield* FileSystem.FileSystem
      const cache = path.join(yield* temporaryFolder, "cache")
      const file = path.join(cache, `nats-server-${process.platform}-${process.arch}`)
      yield* fileSystem.makeDirectory(cache)
      yield* fileSystem.writeFileString(file, "cut off", { mode: 0o755 })

      const found = yield* Effect.result(NatsServerBinary.ofPackage([cache]))

      assert.strictEqual(Result.isSuccess(found) && found.success.source, hasPackages && "package")
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("refuses a cache folder that others may write to", () =>
    Effect.gen(function*() {
      const fileSystem = yield* FileSystem.FileSystem
      const cache = path.join(yield* temporaryFolder, "cache")
      yield* fileSystem.makeDirectory(cache)
      yield* fileSystem.chmod(cache, 0o777)

      const error = yield* Effect.flip(NatsServerBinary.ofPackage([cache]))

      assert.include(error.message, "it is not a folder that only we can write to")
    }).pipe(Effect.provide(NodeFileSystem.layer)))
})
