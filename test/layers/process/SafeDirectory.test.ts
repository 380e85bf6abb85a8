import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Result } from "effect"
import * as path from "node:path"
import * as SafeDirectory from "../../../src/layers/process/SafeDirectory.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

describe("SafeDirectory.make", () => {
  it.live("makes the folders above with the same mode, and takes what is there", () =>
    Effect.gen(function*() {
      const fileSystem = yield* FileSystem.FileSystem
      const wanted = path.join(yield* temporaryFolder, "above", "wanted")

      yield* Effect.forEach([1, 2, 3], () => SafeDirectory.make(wanted, 0o700), { concurrency: "unbounded" })
      yield* SafeDirectory.make(wanted, 0o755)

      const modes = yield* Effect.forEach([path.dirname(wanted), wanted], (one) => fileSystem.stat(one))
      assert.deepStrictEqual(modes.map(({ mode }) => mode & 0o777), [0o700, 0o700])
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("fails where a file is in the way, or below it", () =>
    Effect.gen(function*() {
      const fileSystem = yield* FileSystem.FileSystem
      const file = path.join(yield* temporaryFolder, "file")
      yield* fileSystem.writeFileString(file, "")

      const made = yield* Effect.forEach(
        [file, path.join(file, "below")],
        (one) => Effect.result(SafeDirectory.make(one))
      )

      assert.deepStrictEqual(made.map(Result.isFailure), [true, true])
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("fails at once where no folder can be", () =>
    Effect.gen(function*() {
      const made = yield* Effect.timeout(Effect.result(SafeDirectory.make("/proc/serviceradar/data")), "5 seconds")

      assert.isTrue(Result.isFailure(made))
    }).pipe(Effect.provide(NodeServices.layer)))
})
