/** A process that stands still: its children could not beat, so none of them is late. */
import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

const program = fileURLToPath(new URL("../fixtures/beatingTree.ts", import.meta.url))

describe("A supervised process that is stopped by a signal, or blocked", () => {
  it("restarts no child that beats in time, only one that is silent (06-heartbeat-after-a-pause.ts)", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [program], { timeout: 60_000 })

    assert.deepStrictEqual(JSON.parse(stdout), { before: ["silent"], stopped: [], blocked: [], standstills: 6 })
  })
})
