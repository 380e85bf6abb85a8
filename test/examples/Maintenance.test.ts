import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { TestDatabase } from "../support/TestDatabase.ts"

const folder = join(import.meta.dirname, "../../examples/maintenance")

describe("A resource of one's own", () => {
  it("is one file of at most 120 lines and its migration", () => {
    assert.isAtMost(readFileSync(join(folder, "MaintenanceWindow.ts"), "utf8").split("\n").length, 120)
  })

  it.live("is in the API and its description, in the audit and in the metrics", () =>
    Effect.gen(function*() {
      const { url } = yield* TestDatabase
      const { stdout } = yield* Effect.promise(() =>
        promisify(execFile)(process.execPath, [join(folder, "main.ts")], {
          timeout: 60_000,
          env: { ...process.env, DATABASE_URL: Redacted.value(url) }
        })
      )
      const lines = stdout.split("\n").filter((line) =>
        /^(?:[A-Z]+ \/|\{"data|true|false|resource_actions|\w+, )/.test(line)
      )
      const [list, ...others] = [lines[5], ...lines.slice(6)]
      assert.deepStrictEqual(lines.slice(0, 5), [
        "POST /maintenance-windows 201",
        "POST /maintenance-windows 409",
        "PATCH /maintenance-windows/ID/finish 409",
        "PATCH /maintenance-windows/ID/start 200",
        "GET /maintenance-windows/running?fields[maintenance-window]=title,state,started_by,is_late 200"
      ])
      assert.include(
        String(list),
        "\"attributes\":{\"title\":\"Rack 4\",\"state\":\"running\",\"started_by\":\"ada@example.org\",\"is_late\":true}"
      )
      assert.deepStrictEqual(others, [
        "GET /audit-entries?filter[resource]=maintenance-window&fields[audit-entry]=action 200",
        "plan, start",
        "GET /open_api 200",
        "true",
        "resource_actions_total{resource=\"maintenance-window\",action=\"start\",outcome=\"done\"} 1"
      ])
    }).pipe(Effect.provide(TestDatabase.layer)), 90_000)
})
