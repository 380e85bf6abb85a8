import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Result, Schema, Scope } from "effect"
import * as fs from "node:fs/promises"
import * as net from "node:net"
import * as path from "node:path"
import * as DirectoryLock from "../../../src/layers/process/DirectoryLock.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

const owner = (folder: string) => path.join(folder, "owner.json")

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))

const read = (folder: string) => Effect.promise(async () => decode(await fs.readFile(owner(folder), "utf8")))

const write = (folder: string, value: unknown) =>
  Effect.promise(() => fs.writeFile(owner(folder), JSON.stringify(value)))

/** Whether it could be had. */
const isFree = (folder: string) =>
  Effect.map(Effect.result(Effect.scoped(DirectoryLock.acquire(folder))), Result.isSuccess)

/** What an owner of this machine writes about itself, with something else about it. */
const written = Effect.fnUntraced(function*(change: Record<string, unknown>) {
  const folder = yield* temporaryFolder
  const scope = yield* Scope.make()
  yield* Scope.provide(DirectoryLock.acquire(folder), scope)
  const mine = yield* read(folder)
  yield* Scope.close(scope, Exit.void)
  yield* write(folder, { ...mine, ...change })
  return folder
})

/** A process id that nobody has here. */
const nobody = 2 ** 22 + 1

const given = Effect.provide(NodeFileSystem.layer)

describe("The lock of a directory", () => {
  it.live("is one process's until that lets it go", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const scope = yield* Scope.make()
      yield* Scope.provide(DirectoryLock.acquire(folder), scope)
      const taken = yield* isFree(folder)
      yield* Scope.close(scope, Exit.void)

      assert.isFalse(taken)
      assert.isTrue(yield* isFree(folder))
      assert.deepStrictEqual(yield* Effect.promise(() => fs.readdir(folder)), [])
    }).pipe(Effect.scoped, given))

  it.live("is what a killed process left behind when it runs no more, and nobody's with its id used again", () =>
    Effect.gen(function*() {
      assert.isTrue(yield* isFree(yield* written({ pid: nobody })))
      assert.isTrue(yield* isFree(yield* written({ startTicks: "1" })))
      assert.isFalse(yield* isFree(yield* written({})))
    }).pipe(Effect.scoped, given))

  it.live("holds across containers, where process ids mean something else: who listens is alive", () =>
    Effect.gen(function*() {
      // Of another container: its process ids say nothing here, also when this one has such a process.
      const elsewhere = { pidNamespace: "pid:[1]", host: "container-1" }
      assert.isTrue(yield* isFree(yield* written(elsewhere)))
      const folder = yield* written({ ...elsewhere, pid: nobody })
      yield* Effect.acquireRelease(
        Effect.callback<net.Server>((resume) => {
          const server = net.createServer((socket) => socket.destroy())
          server.listen(path.join(folder, "owner.sock"), () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => void server.close())
      )
      const refused = yield* Effect.result(Effect.scoped(DirectoryLock.acquire(folder)))
      assert.isTrue(Result.isFailure(refused))
      if (Result.isFailure(refused)) {
        assert.include(refused.failure.message, `is in use by process ${nobody} of container-1`)
      }
    }).pipe(Effect.scoped, given))

  it.live("is free after a restart of the machine, and another machine's for as long as that touches it", () =>
    Effect.gen(function*() {
      assert.isTrue(yield* isFree(yield* written({ bootId: "before" })))
      const folder = yield* written({ bootId: "of-another", host: "other" })
      assert.isFalse(yield* isFree(folder))
      const twoMinutesAgo = Date.now() / 1_000 - 120
      yield* Effect.promise(() => fs.utimes(owner(folder), twoMinutesAgo, twoMinutesAgo))
      assert.isTrue(yield* isFree(folder))
    }).pipe(Effect.scoped, given))

  it.live("is held in a folder whose name is too long for a socket", () =>
    Effect.gen(function*() {
      const folder = path.join(yield* temporaryFolder, "a".repeat(120))
      yield* Effect.promise(() => fs.mkdir(folder))
      const scope = yield* Scope.make()
      yield* Scope.provide(DirectoryLock.acquire(folder), scope)
      const names = yield* Effect.promise(() => fs.readdir(folder))
      yield* Scope.close(scope, Exit.void)

      assert.deepStrictEqual(names.toSorted(), ["owner.json", "owner.sock"])
      assert.deepStrictEqual(yield* Effect.promise(() => fs.readdir(folder)), [])
    }).pipe(Effect.scoped, given))
})
