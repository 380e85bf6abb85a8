import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as CoreProcess from "../../support/coreProcess.ts"
import * as OwnDisk from "../../support/ownDisk.ts"
import * as Program from "../../support/Program.ts"

describe("A device with I/O errors", () => {
  it.live("is named by core, which goes on and ends as always", () =>
    Effect.gen(function*() {
      const disk = yield* OwnDisk.breakable
      const { config, data, ports } = yield* CoreProcess.configured(disk.folder)
      const core = yield* Program.start(["core", "--config", config])
      const ask = (what: string) =>
        Effect.map(Program.fetchJson(`http://127.0.0.1:${ports.http}/health/${what}`), (body) => JSON.stringify(body))
      const says = (what: string, pattern: RegExp) =>
        Program.eventually(what, Effect.map(ask("ready"), Option.liftPredicate((text) => pattern.test(text))), {
          within: "60 seconds",
          programs: [core]
        })
      yield* says("core is ready", /"status":"ready"/)

      yield* disk.break
      const postmaster = yield* Effect.promise(() => fs.readFile(path.join(data, "data/postmaster.pid"), "utf8"))
      process.kill(Number(postmaster.split("\n")[0]), "SIGKILL")
      // ext4 says ENOMEM where the block of an inode is no more on the device, and not in memory either.
      const named = yield* says("the error is named", /input\/output error|ENOMEM: not enough memory, open/i)

      assert.notInclude(named, `"status":"ready"`)
      assert.include(yield* ask("live"), "live")
      assert.isTrue(core.isRunning())
      yield* core.kill("SIGTERM")
      assert.strictEqual(yield* Effect.timeout(core.exited, "30 seconds"), 0)
    }).pipe(Effect.scoped))
})
