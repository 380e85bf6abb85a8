import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import * as Replay from "../../simulation/Replay.ts"

const script = path.resolve(import.meta.dirname, "../../../scripts/simulate.ts")
const small = "--hours 0.1 --agents 2 --pollers 1 --checks 1 --messages 0 --devices 0"

/** As a line of a shell. */
const shell = (line: string) => {
  const { status, stderr, stdout } = spawnSync("bash", ["-o", "pipefail", "-c", line], {
    encoding: "utf8",
    timeout: 60_000
  })
  return { status, stderr, stdout }
}
const simulate = `"${process.execPath}" "${script}"`

describe("npm run simulate", () => {
  it("says so when its answer cannot be written, and ends when nobody reads it", () => {
    const full = shell(`${simulate} ${small} --json > /dev/full`)
    assert.strictEqual(full.status, 1)
    assert.match(full.stderr, /^stdout cannot be written: ENOSPC/)

    const { status, stdout } = shell(`${simulate} ${small} --seeds 100000 | head -1`)
    assert.strictEqual(status, 141)
    assert.match(stdout, /^seed 1: \d+ events, /)
  })

  it("leads a plan again with nothing beside it, and says whether it is the same", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "serviceradar-simulate-"))
    try {
      const file = path.join(folder, "plan.json")
      const settings = { hours: 0.1, agents: 2, checks: 1, pollers: 1, messagesPerSecond: 0, devices: 0 }
      const found = { invariant: "order per check", hash: "0" }
      fs.writeFileSync(file, Replay.write({ seed: "1", settings: { ...settings, profile: "rough" }, plan: [], found }))

      const beside = shell(`${simulate} --replay ${file} --agents 5`)
      assert.strictEqual(beside.status, 2)
      assert.strictEqual(beside.stderr, "--replay has a seed and settings of its own: leave --agents out\n")

      const { status, stdout } = shell(`${simulate} --replay ${file}`)
      assert.strictEqual(status, 0)
      assert.include(stdout, "nothing broke; it was found with: order per check\n")
    } finally {
      fs.rmSync(folder, { recursive: true })
    }
  })
})
