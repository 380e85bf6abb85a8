import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { execFile } from "node:child_process"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { promisify } from "node:util"
import * as ServerLog from "../../../src/layers/process/ServerLog.ts"
import * as OwnDisk from "../../support/ownDisk.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

const run = promisify(execFile)

/** A file of which every write is an I/O error: nothing is mapped at the beginning of our memory. */
const brokenFile = Effect.gen(function*() {
  const file = path.join(yield* temporaryFolder, "server.log")
  yield* Effect.promise(() => fs.writeFile(file, ""))
  yield* Effect.acquireRelease(
    Effect.promise(() => run("mount", ["--bind", `/proc/${process.pid}/mem`, file])),
    () => Effect.promise(() => run("umount", ["-l", file]))
  )
  return file
})

/** With what is said of it in our own log. */
const opened = Effect.fnUntraced(function*(file: string) {
  const said: Array<string> = []
  const logger = Logger.layer([Logger.make(({ message }) => void said.push(String(message)))])
  return { log: yield* Effect.provide(ServerLog.make(file), logger), said }
})

describe("The log of a server of ours", () => {
  it.live("costs lines while its disk is full, says so once, and goes on when there is room", () =>
    Effect.gen(function*() {
      const disk = yield* OwnDisk.small("1m")
      const file = path.join(disk, "server.log")
      const { log, said } = yield* opened(file)
      log.append(Buffer.from("before\n"))
      yield* Effect.promise(() => run("dd", ["if=/dev/zero", `of=${disk}/fill`, "bs=4k"]).catch(() => undefined))
      for (let line = 0; line < 3; line++) log.append(Buffer.from(`${"lost".repeat(2_000)}\n`))
      yield* Effect.promise(() => fs.rm(path.join(disk, "fill")))
      log.append(Buffer.from("after\n"))
      const text = yield* Effect.promise(() => fs.readFile(file, "utf8"))

      assert.match(text, /^before\n/)
      assert.match(text, /after\n$/)
      assert.lengthOf(said, 2)
      assert.match(said[0] ?? "", /cannot be written, its lines are lost meanwhile: .*ENOSPC/)
      assert.match(said[1] ?? "", /is written again; \d+ bytes of it were lost/)
      assert.deepStrictEqual(log.lastLines(1), ["after"])
    }).pipe(Effect.scoped))

  it.live("costs lines on a device with I/O errors, says so once, and keeps the last ones in memory", () =>
    Effect.gen(function*() {
      const { log, said } = yield* opened(yield* brokenFile)
      for (const line of ["one", "two", "three"]) log.append(Buffer.from(`${line}\n`))

      assert.lengthOf(said, 1)
      assert.match(said[0] ?? "", /cannot be written, its lines are lost meanwhile: .*EIO/)
      assert.deepStrictEqual(log.lastLines(2), ["two", "three"])
    }).pipe(Effect.scoped))
})
