import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as CoreProcess from "../../support/coreProcess.ts"
import * as OwnDisk from "../../support/ownDisk.ts"
import * as Program from "../../support/Program.ts"

/** Writes until there is no room. */
const fill = (file: string) =>
  Effect.promise(async () => {
    const handle = await fs.open(file, "w")
    const chunk = Buffer.alloc(2 ** 20)
    try {
      while (true) await handle.write(chunk)
    } catch (cause) {
      return cause instanceof Error && "code" in cause ? cause.code : String(cause)
    } finally {
      await handle.close()
    }
  })

describe("A full disk", () => {
  it.live("is a state of core: readiness names it, and all is well again when there is room", () =>
    Effect.gen(function*() {
      const disk = yield* OwnDisk.small("160m")
      const { config, data, ports } = yield* CoreProcess.configured(disk)
      const core = yield* Program.start(["core", "--config", config])
      const readiness = Effect.map(
        Program.fetchJson(`http://127.0.0.1:${ports.http}/health/ready`),
        (body) => JSON.stringify(body)
      )
      const says = (what: string, pattern: RegExp) =>
        Program.eventually(what, Effect.map(readiness, Option.liftPredicate((text) => pattern.test(text))), {
          within: "40 seconds",
          programs: [core]
        })
      yield* says("core is ready", /"status":"ready"/)

      const refusal = yield* fill(path.join(disk, "fill"))
      const postmaster = yield* Effect.promise(() => fs.readFile(path.join(data, "data/postmaster.pid"), "utf8"))
      process.kill(Number(postmaster.split("\n")[0]), "SIGKILL")
      yield* says("the disk is named", /no space left on the disk/)
      // More tries than a supervisor allows without a pause.
      yield* Program.eventually(
        "several starts in vain",
        Effect.sync(() =>
          Option.liftPredicate(core.output(), (text) => (text.match(/did not start/g) ?? []).length >= 3)
        ),
        { within: "40 seconds", programs: [core] }
      )
      assert.isTrue(core.isRunning())
      yield* Effect.promise(() => fs.rm(path.join(disk, "fill")))
      yield* says("core is ready again", /"status":"ready"/)

      assert.strictEqual(refusal, "ENOSPC")
      assert.match(core.output(), /FATAL: .*No space left on device/)
    }))
})
