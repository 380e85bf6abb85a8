import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

const main = path.resolve(import.meta.dirname, "../../../src/programs/cli/main.ts")

const srql = (...args: ReadonlyArray<string>) => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [main, "srql", ...args], {
    encoding: "utf8",
    timeout: 60_000
  })
  return { status, stdout, stderr }
}

describe("serviceradar srql", () => {
  it("explains a query without a database", () => {
    const { status, stdout } = srql("--explain", "in:gateways status:up limit:3", "--tenant", "acme")

    assert.strictEqual(status, 0)
    assert.include(
      stdout,
      "FROM gateways WHERE tenant_id = $1 AND status = $2 ORDER BY last_seen DESC LIMIT $3 OFFSET $4"
    )
    assert.include(stdout, "$2 text \"up\"")
  })

  it("marks what it refuses", () => {
    const { status, stdout } = srql("--explain", "in:devcies")

    assert.strictEqual(status, 1)
    assert.include(stdout, "in:devcies\n   ^^^^^^^\n")
    assert.include(stdout, "did you mean devices?")
  })

  it("checks a file line by line", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "serviceradar-srql-"))
    try {
      const file = path.join(folder, "queries.txt")
      fs.writeFileSync(file, "in:logs level:error\n\n# of metrics\n  in:cpu bucket:5m\n")

      const { status, stdout } = srql("--check", file)

      assert.strictEqual(status, 1)
      assert.match(stdout, /queries\.txt:4:17: error: downsample queries require time:<range>/)
      assert.include(stdout, "2 queries, 1 refused")
    } finally {
      fs.rmSync(folder, { recursive: true, force: true })
    }
  })

  it("asks for what it needs", () => {
    const { status, stderr } = srql()

    assert.strictEqual(status, 2)
    assert.include(
      stderr,
      "srql needs a query: as an argument, on standard input, with --explain or in the file of --check"
    )
  })

  it("asks each line of a pipe, and says by its exit code whether all were answered", () => {
    const piped = (input: string) =>
      spawnSync(process.execPath, [main, "srql", "--url", "http://127.0.0.1:1"], {
        encoding: "utf8",
        timeout: 60_000,
        input
      })
    const explained = piped("explain in:gateways limit:3")
    assert.strictEqual(explained.status, 0)
    assert.include(explained.stdout, "FROM gateways ORDER BY last_seen DESC LIMIT $1 OFFSET $2")

    const asked = piped("in:devices\nexplain in:devcies\nexplain in:alerts\n")
    assert.strictEqual(asked.status, 1)
    assert.include(asked.stderr, "nobody answers; is core running?")
    assert.include(asked.stdout, "did you mean devices?")
    assert.include(asked.stdout, "FROM alerts")
    assert.include(asked.stderr, "2 of 3 queries are not answered")
  })

  it("refuses to watch without a query", () => {
    const { status, stderr } = srql("--watch", "5")

    assert.strictEqual(status, 2)
    assert.include(stderr, "--watch needs a query to ask again")
  })

  it("says which words have no effect", () => {
    const { stdout } = srql("--explain", "in:devices in:logs limit:5 limit:5 time:last_1h timeframe:last_2h")

    assert.include(stdout, "FROM logs")
    assert.include(
      stdout,
      "warning: in:devices (at 4) has no effect, as the last in: holds; several entities are one list, in:logs,traces"
    )
    assert.include(stdout, "warning: time:last_1h (at 41) has no effect, as the last time: holds")
    assert.notInclude(stdout, "warning: limit")
  })

  it("takes queries from a pipe, and goes on after one that is refused", () => {
    const { status, stderr, stdout } = spawnSync(
      process.execPath,
      [main, "srql", "--prompt", "--url", "http://127.0.0.1:1"],
      {
        encoding: "utf8",
        timeout: 60_000,
        input: "explain in:devcies\n\n# a comment\nexplain in:gateways limit:3\nin:logs\nquit\nexplain in:alerts\n"
      }
    )

    assert.strictEqual(status, 0)
    assert.include(stdout, "did you mean devices?")
    assert.include(stdout, "FROM gateways ORDER BY last_seen DESC LIMIT $1 OFFSET $2")
    assert.notInclude(stdout, "FROM alerts")
    assert.include(stderr, "nobody answers; is core running?")
  })
})
