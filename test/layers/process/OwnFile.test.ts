import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import * as RememberedPort from "../../../src/layers/process/endpoint/RememberedPort.ts"
import * as OwnFile from "../../../src/layers/process/OwnFile.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

describe("A file of ours", () => {
  it.live("is none where there is none, and what was written where there is one", () =>
    Effect.gen(function*() {
      const file = path.join(yield* temporaryFolder, "password")
      assert.deepStrictEqual(yield* OwnFile.read(file), Option.none())
      yield* OwnFile.write(file, "first")
      yield* OwnFile.write(file, "second")
      assert.deepStrictEqual(yield* OwnFile.read(file), Option.some("second"))
      assert.strictEqual(fs.statSync(file).mode & 0o777, 0o600)
      assert.deepStrictEqual(fs.readdirSync(path.dirname(file)), ["password"])
    }))

  it.live("is not read through a link, and takes the link's place when it is written", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const [file, victim] = [path.join(folder, "password"), path.join(folder, "victim")]
      fs.writeFileSync(victim, "untouched")
      fs.symlinkSync(victim, file)
      const refused = yield* Effect.flip(OwnFile.read(file))
      assert.strictEqual(refused.message, `reading ${file}: it is a link (ELOOP)`)
      yield* OwnFile.write(file, "ours")
      assert.isFalse(fs.lstatSync(file).isSymbolicLink())
      assert.deepStrictEqual([fs.readFileSync(victim, "utf8"), fs.readFileSync(file, "utf8")], ["untouched", "ours"])
    }))

  it.live("is no pipe, no folder and nothing without end, and none of these holds anybody up", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const [pipe, inner, large] = [path.join(folder, "pipe"), path.join(folder, "inner"), path.join(folder, "large")]
      execFileSync("mkfifo", [pipe])
      fs.mkdirSync(inner)
      fs.writeFileSync(large, "")
      fs.truncateSync(large, 2 ** 32)
      for (const [file, detail] of [[pipe, "no plain file"], [inner, "no plain file"], [large, "more than"]] as const) {
        assert.include((yield* Effect.flip(OwnFile.read(file))).message, detail)
      }
    }))

  it.live("names itself and the reason when its folder is gone", () =>
    Effect.gen(function*() {
      const file = path.join(yield* temporaryFolder, "gone", "port")
      const failed = yield* Effect.flip(OwnFile.write(file, "1"))
      assert.strictEqual(failed.message, `writing ${file}: there is no such file (ENOENT)`)
    }))

  it.live("remembers no port that somebody else put there as a link", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      yield* RememberedPort.write(folder, 4_222)
      assert.deepStrictEqual(yield* RememberedPort.read(folder), Option.some(4_222))
      fs.renameSync(path.join(folder, "port"), path.join(folder, "other"))
      fs.symlinkSync(path.join(folder, "other"), path.join(folder, "port"))
      assert.deepStrictEqual(yield* RememberedPort.read(folder), Option.none())
    }))
})
