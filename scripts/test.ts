/**
 * Runs checks and tests, and counts both.
 *
 *   npm run test:fast     checks, and tests that start neither processes nor servers
 *   npm test              those, tests against real servers, and whole programs
 *   npm run test:all      those, fault and fuzz suites, and the suites of `suites` below: what CI runs
 *   npm test -- PATH …    only these test files, and no checks
 *
 * The last line is `N passed, N failed`, counting each check, each test and each suite once. Before it stands what took
 * longest and what failed, so that the end of a long log tells what to mend.
 */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { runChecks } from "./check.ts"
import { type Outcome, readReport } from "./testReport.ts"

interface Scope {
  /** Projects of vitest, in the order of their groups: each group runs, and is timed, by itself. */
  readonly groups: ReadonlyArray<ReadonlyArray<string>>
  readonly suites: ReadonlyArray<{ readonly name: string; readonly command: ReadonlyArray<string> }>
}

const withoutServers = ["unit"]
const withServers = ["integration", "programs", "up"]
const faults = ["faults", "alone"]

const scopes: Readonly<Record<string, Scope>> = {
  "--fast": { groups: [withoutServers], suites: [] },
  "--most": { groups: [withoutServers, withServers], suites: [] },
  "--all": {
    groups: [withoutServers, withServers, faults],
    suites: [
      { name: "packages", command: ["node", "scripts/check-packages.ts"] },
      {
        name: "step budgets",
        command: ["npm", "run", "--silent", "test:steps", "--", "--seed", "301", "--seeds", "10"]
      }
    ]
  }
}

const runTests = (args: ReadonlyArray<string>): Outcome => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "serviceradar-test-"))
  const report = path.join(folder, "report.json")
  const vitest = spawnSync(
    "vitest",
    ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...args],
    { stdio: "inherit", env: isFast ? { ...process.env, TEST_FAST: "1" } : process.env }
  )
  const outcome = readReport(report)
  fs.rmSync(folder, { recursive: true, force: true })
  return vitest.status === 0 || outcome.failed > 0
    ? outcome
    : { ...outcome, failed: 1, failures: [`vitest ended with ${vitest.status ?? vitest.signal}`] }
}

const runSuite = ({ command: [program = "", ...args], name }: Scope["suites"][number]): Outcome => {
  console.log(`\n${name}: ${[program, ...args].join(" ")}`)
  const { status } = spawnSync(program, args, { stdio: "inherit" })
  return status === 0
    ? { passed: 1, failed: 0, failures: [], slowest: [] }
    : { passed: 0, failed: 1, failures: [`${name}: ${[program, ...args].join(" ")}`], slowest: [] }
}

const args = process.argv.slice(2)
const scope = scopes[args[0] ?? ""]
const filters = scope === undefined ? args : args.slice(1)
const isFast = args[0] === "--fast"
const isWhole = scope !== undefined && filters.length === 0
const times: Array<string> = []

const timed = (name: string, run: () => Outcome): Outcome => {
  const startedAt = performance.now()
  const outcome = run()
  times.push(`${name} ${Math.round((performance.now() - startedAt) / 1000)} s`)
  return outcome
}

const projectArguments = (names: ReadonlyArray<string>) => names.flatMap((name) => ["--project", name])

const startedAt = performance.now()
const all = isWhole
  ? [
    timed("checks", runChecks),
    ...scope.groups.map((names) => timed(names.join(", "), () => runTests(projectArguments(names)))),
    ...scope.suites.map((suite) => timed(suite.name, () => runSuite(suite)))
  ]
  : [timed("tests", () => runTests(filters))]
const passed = all.reduce((sum, counts) => sum + counts.passed, 0)
const failed = all.reduce((sum, counts) => sum + counts.failed, 0)
const slowest = all.flatMap((outcome) => outcome.slowest)
if (slowest.length > 0) console.log(`\nLongest files:\n${slowest.join("\n")}`)
const failures = all.flatMap((outcome) => outcome.failures)
if (failures.length > 0) console.log(`\nFailed:\n${failures.join("\n")}`)
console.log(`Took ${Math.round((performance.now() - startedAt) / 1000)} s: ${times.join("; ")}`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
