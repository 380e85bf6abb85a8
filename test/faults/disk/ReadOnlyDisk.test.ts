import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as OwnDisk from "../../support/ownDisk.ts"
import * as Program from "../../support/Program.ts"

describe("A read-only file system", () => {
  it.live("is named, with the place that is on it, by whoever was to write there", () =>
    Effect.gen(function*() {
      const disk = yield* OwnDisk.small("1m")
      const there = path.join(disk, "there")
      yield* Effect.promise(() => fs.mkdir(there))
      yield* OwnDisk.makeReadOnly(disk)
      const cases: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
        [["up", "--once", "--dir", path.join(disk, "new", "inner")], path.join(disk, "new", "inner")],
        [["up", "--once", "--dir", there], there],
        [["certs", "init", "--dir", path.join(disk, "certs")], path.join(disk, "certs")],
        [["certs", "init", "--dir", there], path.join(there, "root-key.pem")]
      ]
      for (const [args, place] of cases) {
        const program = yield* Program.start(args)
        const code = yield* Effect.timeout(program.exited, "40 seconds")
        assert.notStrictEqual(code, 0)
        assert.include(program.output(), "the file system is read-only (EROFS)")
        assert.include(program.output(), place)
      }
    }))
})
