/**
 * Runs checks and tests, and counts both.
 *
 *   npm run test:fast     checks, and tests that start neither processes nor servers
 *   npm test              those, tests against real servers, and whole programs
 *   npm run test:all      those, fault and fuzz suites, and the suites of `suites` below: what CI runs
 *   npm test -- PATH …    only these test files, and no checks
 *
 * A test that failed is run once more by itself after all others, where few did: then a test that claims a time has the
 * machine for itself. One that passes then is counted as passed and named as unsteady; a fault that shows now and then is
 * looked for there.
 *
 * The last line is `N passed, N failed`, counting each check, each test and each suite once. Before it stands what took
 * longest and what failed, so that the end of a long log tells what to mend.
 */
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { runChecks } from "./check.ts"
import { type Failure, type Outcome, readReport } from "./testReport.ts"

const args = process.argv.slice(2)
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "serviceradar-test-"))
process.once("exit", () => fs.rmSync(folder, { recursive: true, force: true }))

/** Programs are started hundreds of times: what Node compiled of them is kept for the next of them, which halves a start. */
const compiled = { NODE_COMPILE_CACHE: path.join(folder, "compiled") }

/** Where a job's words go: at once to the terminal, or to a file until the job has ended. */
type Out = number

interface Job {
  readonly name: string
  readonly run: (out: Out) => Promise<Outcome>
}

/** Its exit status, or the signal that ended it. */
const execute = (command: ReadonlyArray<string>, out: Out, env: Readonly<Record<string, string>> = {}) =>
  new Promise<number | string>((resolve) => {
    const [program = "", ...rest] = command
    const child = spawn(program, rest, { stdio: ["ignore", out, out], env: { ...process.env, ...compiled, ...env } })
    child.once("error", (error) => resolve(error.message))
    child.once("exit", (code, signal) => resolve(code ?? signal ?? "no status"))
  })

const runTests = async (out: Out, more: ReadonlyArray<string>, env?: Readonly<Record<string, string>>) => {
  const report = path.join(fs.mkdtempSync(path.join(folder, "report-")), "report.json")
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`]
  const status = await execute(["vitest", "run", ...reporters, ...more], out, env)
  const outcome = readReport(report)
  return status === 0 || outcome.failed > 0
    ? outcome
    : { ...outcome, failed: 1, failures: [{ text: `vitest ended with ${status}` }] }
}

const checks: Job = { name: "checks", run: (out) => runChecks((text) => void fs.writeSync(out, text)) }

/** Projects of vitest, timed together. */
const projects = (names: ReadonlyArray<string>, env?: Readonly<Record<string, string>>): Job => ({
  name: names.join(", "),
  run: (out) => runTests(out, names.flatMap((name) => ["--project", name]), env)
})

const suite = (name: string, command: ReadonlyArray<string>): Job => ({
  name,
  run: async (out) => {
    fs.writeSync(out, `\n${name}: ${command.join(" ")}\n`)
    return await execute(command, out) === 0
      ? { passed: 1, failed: 0, failures: [], slowest: [] }
      : { passed: 0, failed: 1, failures: [{ text: `${name}: ${command.join(" ")}` }], slowest: [] }
  }
})

/** What runs one after the other. */
type Lane = ReadonlyArray<Job>

/** Lanes side by side: what mostly waits beside what mostly computes. A stage begins when the one before has ended. */
type Stage = ReadonlyArray<Lane>

/** For every change: suites of many random cases are content with fewer. */
const fewer = { TEST_FAST: "1" }

/** All that wants the ports of `up` is in one lane. */
const servers = projects(["integration", "programs"])
const ups = projects(["up"])
const packages = suite("packages", ["node", "scripts/check-packages.ts"])
const steps = suite("step budgets", ["npm", "run", "--silent", "test:steps", "--", "--seed", "301", "--seeds", "10"])

const scopes: Readonly<Record<string, ReadonlyArray<Stage>>> = {
  "--fast": [[[projects(["unit"], fewer)], [checks]]],
  "--most": [[[projects(["unit"])], [checks]], [[servers], [ups]]],
  "--all": [
    [[projects(["unit"])], [checks]],
    [[servers], [ups, packages]],
    [[projects(["faults"])]],
    [[projects(["alone"]), steps]]
  ]
}

const times: Array<string> = []

const timed = async (job: Job, out: Out): Promise<Outcome> => {
  const startedAt = performance.now()
  const outcome = await job.run(out)
  times.push(`${job.name} ${Math.round((performance.now() - startedAt) / 1000)} s`)
  return outcome
}

/** Says all that it has to say at its end, so that what runs beside it can be read. */
const aside = async (job: Job): Promise<Outcome> => {
  const file = path.join(fs.mkdtempSync(path.join(folder, "aside-")), "output.txt")
  const out = fs.openSync(file, "w")
  try {
    return await timed(job, out)
  } finally {
    fs.closeSync(out)
    process.stdout.write(`\n${job.name}, beside the tests:\n${fs.readFileSync(file, "utf8")}\n`)
  }
}

const runLane = async (lane: Lane, run: (job: Job) => Promise<Outcome>): Promise<ReadonlyArray<Outcome>> => {
  const outcomes: Array<Outcome> = []
  for (const job of lane) outcomes.push(await run(job))
  return outcomes
}

const runStage = async ([first = [], ...others]: Stage): Promise<ReadonlyArray<Outcome>> => {
  const lanes = [runLane(first, (job) => timed(job, 1)), ...others.map((lane) => runLane(lane, aside))]
  return (await Promise.all(lanes)).flat()
}

/** More than these are no accident. */
const againMax = 5

const passAlone = async (failures: ReadonlyArray<Failure>): Promise<ReadonlyArray<Failure>> => {
  const passed: Array<Failure> = []
  for (const failure of failures) {
    if (failure.test === undefined) continue
    const { file, name } = failure.test
    console.log(`\nOnce more by itself: ${file} > ${name}`)
    const again = await runTests(1, [file, "--testNamePattern", `^${RegExp.escape(name)}$`])
    if (again.passed > 0 && again.failed === 0) passed.push(failure)
  }
  return passed
}

const stages = args.length === 1 ? scopes[args[0] ?? ""] : undefined
const filters = args.filter((arg) => scopes[arg] === undefined)
const startedAt = performance.now()
const all: Array<Outcome> = []
for (
  const stage of stages ??
    [[[{ name: "tests", run: (out: Out) => runTests(out, filters, args[0] === "--fast" ? fewer : {}) }]]]
) {
  all.push(...await runStage(stage))
}
const counted = (key: "passed" | "failed") => all.reduce((sum, counts) => sum + counts[key], 0)
const first = all.flatMap((outcome) => outcome.failures)
const unsteady = new Set(stages !== undefined && first.length <= againMax ? await passAlone(first) : [])
const failures = first.filter((failure) => !unsteady.has(failure))
const slowest = all.flatMap((outcome) => outcome.slowest)
if (slowest.length > 0) console.log(`\nLongest files:\n${slowest.join("\n")}`)
const texts = (list: Iterable<Failure>) => Array.from(list, ({ text }) => text).join("\n")
if (unsteady.size > 0) console.log(`\nUnsteady, failed beside others and passed alone:\n${texts(unsteady)}`)
if (failures.length > 0) console.log(`\nFailed:\n${texts(failures)}`)
console.log(`Took ${Math.round((performance.now() - startedAt) / 1000)} s: ${times.join("; ")}`)
console.log(`${counted("passed") + unsteady.size} passed, ${counted("failed") - unsteady.size} failed`)
process.exitCode = failures.length === 0 ? 0 : 1
