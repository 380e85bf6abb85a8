import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as ShadowRecord from "../../../../src/domain/poller/rollout/ShadowRecord.ts"
import * as ShadowSource from "../../../../src/layers/poller/comparing/ShadowSource.ts"
import * as RollbackFile from "../../../../src/layers/poller/rollout/RollbackFile.ts"
import * as ShadowFile from "../../../../src/layers/poller/rollout/ShadowFile.ts"
import { RollbackFlag } from "../../../../src/services/poller/rollout/RollbackFlag.ts"
import { ShadowSink } from "../../../../src/services/poller/rollout/ShadowSink.ts"
import { status } from "../../../services/poller/statuses.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"

const bytesMax = 64 * 1024

const readBack = Effect.fnUntraced(function*(folder: string) {
  const source = yield* ShadowSource.make(folder)
  const range = Option.getOrThrow(yield* source.range)
  return yield* Stream.runCollect(source.samples(range))
})

describe("A shadow's file", () => {
  it.live("holds the newest within its bound, and is read with the one before it", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const count = 2_000
      yield* Effect.gen(function*() {
        const sink = yield* ShadowSink
        for (let index = 0; index < count; index++) yield* sink.write(ShadowRecord.encode(status("ssh"), index))
        assert.isTrue(Option.isNone(yield* sink.trouble))
      }).pipe(Effect.provide(ShadowFile.layer({ folder, bytesMax })))
      // As a poller leaves it that is killed.
      yield* Effect.promise(() => fs.appendFile(path.join(folder, "shadow.jsonl"), "{\"at\":\"20"))

      const sizes = yield* Effect.promise(async () => {
        const names = await fs.readdir(folder)
        return Promise.all(names.map(async (name) => (await fs.stat(path.join(folder, name))).size))
      })
      const samples = yield* readBack(folder)
      assert.strictEqual(sizes.length, 2)
      assert.isAtMost(sizes.reduce((sum, size) => sum + size, 0), bytesMax + 100)
      assert.strictEqual(samples.at(-1)?.atMillis, count - 1)
      assert.deepStrictEqual(
        samples.map(({ atMillis }) => atMillis),
        Array.from({ length: samples.length }, (_, index) => count - samples.length + index)
      )
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer)))

  it.live("that is not there is told of by its name", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const error = yield* Effect.flip(Effect.flatMap(ShadowSource.make(folder), ({ range }) => range))
      assert.include(error.message, path.join(folder, "shadow.jsonl"))
      assert.include(error.message, "no such file")
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer)))
})

describe("A rollback's file", () => {
  it.live("is a rollback whatever it is and holds, until it is gone", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const flag = yield* Effect.provide(RollbackFlag, RollbackFile.layer(folder))
      const reason = Effect.map(flag.read, Option.map((one) => one.reason))
      assert.deepStrictEqual(yield* reason, Option.none())
      yield* flag.write({ atMillis: 0, reason: "3 of 4" })
      assert.deepStrictEqual(yield* reason, Option.some("3 of 4"))
      yield* flag.remove
      assert.deepStrictEqual(yield* reason, Option.none())
      yield* Effect.promise(() => fs.mkdir(flag.file))
      assert.match(Option.getOrThrow(yield* reason), /^it is there, and /)
    }).pipe(Effect.scoped))
})
