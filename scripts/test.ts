/**
 * What `npm test` and CI run: all checks, then all tests.
 *
 * The last line is `N passed, N failed`, counting each check and each test once. Arguments go to vitest and skip the
 * checks: `npm test -- test/domain`.
 */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { runChecks } from "./check.ts"

const readCounts = (file: string): { readonly passed: number; readonly failed: number } => {
  if (!fs.existsSync(file)) return { passed: 0, failed: 1 }
  const report: unknown = JSON.parse(fs.readFileSync(file, "utf8"))
  const count = (key: string): number => {
    const value = typeof report === "object" && report !== null ? Reflect.get(report, key) : undefined
    return typeof value === "number" ? value : 0
  }
  // A file that does not load has no failing test of its own, but is a failure all the same.
  return { passed: count("numPassedTests"), failed: Math.max(count("numFailedTests"), count("numFailedTestSuites")) }
}

const filters = process.argv.slice(2)
const checks = filters.length === 0 ? runChecks() : { passed: 0, failed: 0 }

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "serviceradar-test-"))
const report = path.join(folder, "report.json")
const vitest = spawnSync(
  "vitest",
  ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...filters],
  { stdio: "inherit" }
)
const tests = readCounts(report)
fs.rmSync(folder, { recursive: true, force: true })

const passed = checks.passed + tests.passed
const failed = checks.failed + (vitest.status === 0 ? tests.failed : Math.max(1, tests.failed))
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
