/**
 * Runs checks and tests, and counts both.
 *
 *   npm run test:fast     checks, and tests that start neither processes nor servers
 *   npm test              those, tests against real servers, and whole programs
 *   npm run test:all      those, fault and fuzz suites, and the suites of `suites` below: what CI runs
 *   npm test -- PATH …    only these test files, and no checks
 *
 * The last line is `N passed, N failed`, counting each check, each test and each suite once.
 */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { runChecks } from "./check.ts"

interface Counts {
  readonly passed: number
  readonly failed: number
}

interface Scope {
  readonly projects: ReadonlyArray<string>
  readonly suites: ReadonlyArray<{ readonly name: string; readonly command: ReadonlyArray<string> }>
}

const scopes: Readonly<Record<string, Scope>> = {
  "--fast": { projects: ["unit"], suites: [] },
  "--most": { projects: ["unit", "integration", "programs"], suites: [] },
  "--all": {
    projects: ["unit", "integration", "programs", "faults"],
    suites: [
      { name: "packages", command: ["node", "scripts/check-packages.ts"] },
      { name: "step budgets", command: ["npm", "run", "--silent", "test:steps", "--", "--seed", "301", "--seeds", "3"] }
    ]
  }
}

const readCounts = (file: string): Counts => {
  if (!fs.existsSync(file)) return { passed: 0, failed: 1 }
  const report: unknown = JSON.parse(fs.readFileSync(file, "utf8"))
  const count = (key: string): number => {
    const value = typeof report === "object" && report !== null ? Reflect.get(report, key) : undefined
    return typeof value === "number" ? value : 0
  }
  // A file that does not load has no failing test of its own, but is a failure all the same.
  return { passed: count("numPassedTests"), failed: Math.max(count("numFailedTests"), count("numFailedTestSuites")) }
}

const runTests = (args: ReadonlyArray<string>): Counts => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "serviceradar-test-"))
  const report = path.join(folder, "report.json")
  const vitest = spawnSync(
    "vitest",
    ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...args],
    { stdio: "inherit" }
  )
  const counts = readCounts(report)
  fs.rmSync(folder, { recursive: true, force: true })
  return { passed: counts.passed, failed: vitest.status === 0 ? counts.failed : Math.max(1, counts.failed) }
}

const runSuite = ({ command: [program = "", ...args], name }: Scope["suites"][number]): Counts => {
  console.log(`\n${name}: ${[program, ...args].join(" ")}`)
  const { status } = spawnSync(program, args, { stdio: "inherit" })
  return status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}

const args = process.argv.slice(2)
const scope = scopes[args[0] ?? ""]
const filters = scope === undefined ? args : args.slice(1)
const isWhole = scope !== undefined && filters.length === 0
const startedAt = performance.now()
const all = [
  ...(isWhole ? [runChecks()] : []),
  runTests(isWhole ? scope.projects.flatMap((name) => ["--project", name]) : filters),
  ...(isWhole ? scope.suites.map(runSuite) : [])
]
const passed = all.reduce((sum, counts) => sum + counts.passed, 0)
const failed = all.reduce((sum, counts) => sum + counts.failed, 0)
console.log(`Took ${Math.round((performance.now() - startedAt) / 1000)} s`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
