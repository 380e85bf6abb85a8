/** What a run of checks, tests or a suite came to, and how vitest's report tells it. */
import * as fs from "node:fs"

export interface Failure {
  /** A line, or a few. */
  readonly text: string
  /** None for a check or a suite. The name is as `--testNamePattern` sees it. */
  readonly test?: { readonly file: string; readonly name: string }
}

export interface Outcome {
  readonly passed: number
  readonly failed: number
  readonly failures: ReadonlyArray<Failure>
  /** The files that took longest, the longest first. */
  readonly slowest: ReadonlyArray<string>
}

const slowestShown = 20
const messageLines = 8

const get = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined

const list = (value: unknown, key: string): ReadonlyArray<unknown> => {
  const found = get(value, key)
  return Array.isArray(found) ? found : []
}

const count = (value: unknown, key: string): number => {
  const found = get(value, key)
  return typeof found === "number" ? found : 0
}

const fileName = (file: unknown): string => `${get(file, "name")}`.replace(`${process.cwd()}/`, "")

const shortened = (message: string): string =>
  message.split("\n").slice(0, messageLines).map((line) => `    ${line.slice(0, 300)}`).join("\n")

const failuresOf = (file: unknown): ReadonlyArray<Failure> => {
  const failed = list(file, "assertionResults").filter((test) => get(test, "status") === "failed")
  const name = fileName(file)
  // A file that does not load has no failing test of its own, but is a failure all the same.
  return failed.length === 0 && get(file, "status") === "failed"
    ? [{ text: `${name}\n${shortened(`${get(file, "message")}`)}` }]
    : failed.map((test) => ({
      text: `${name} > ${get(test, "fullName")}\n${shortened(list(test, "failureMessages").map(String).join("\n"))}`,
      test: { file: name, name: [...list(test, "ancestorTitles"), get(test, "title")].join(" > ") }
    }))
}

const secondsOf = (file: unknown): number => (count(file, "endTime") - count(file, "startTime")) / 1000

/** Reads what `vitest --reporter=json` wrote; a report that is not there is one failure. */
export const readReport = (path: string): Outcome => {
  if (!fs.existsSync(path)) return { passed: 0, failed: 1, failures: [{ text: "vitest wrote no report" }], slowest: [] }
  const report: unknown = JSON.parse(fs.readFileSync(path, "utf8"))
  const files = list(report, "testResults")
  const failures = files.flatMap(failuresOf)
  return {
    passed: count(report, "numPassedTests"),
    failed: failures.length,
    failures,
    slowest: files.toSorted((a, b) => secondsOf(b) - secondsOf(a)).slice(0, slowestShown)
      .map((file) => `  ${secondsOf(file).toFixed(1).padStart(6)} s  ${fileName(file)}`)
  }
}
