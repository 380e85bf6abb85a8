/**
 * Everything that judges the sources without running them: format, lint, types, Effect's own diagnostics, generated
 * code, dead code and duplicates. The import rule between rooms is a test (test/architecture).
 *
 * Runs every step even when one fails, so that one run shows all there is to mend. Exits 1 when a step failed.
 */
import { execFile } from "node:child_process"
import { pathToFileURL } from "node:url"
import { promisify } from "node:util"
import type { Failure, Outcome } from "./testReport.ts"

interface Step {
  readonly name: string
  readonly command: ReadonlyArray<string>
}

const steps: ReadonlyArray<Step> = [
  { name: "format", command: ["dprint", "check"] },
  { name: "lint", command: ["oxlint", "--deny-warnings"] },
  { name: "types", command: ["tsc", "--noEmit"] },
  { name: "effect diagnostics", command: ["effect-tsgo", "diagnostics", "--project", "tsconfig.json"] },
  { name: "generated code", command: ["node", "scripts/gen.ts", "--check"] },
  { name: "generated pages", command: ["node", "scripts/docs.ts", "--check"] },
  { name: "page of checks", command: ["node", "scripts/checksPage.ts", "--check"] },
  { name: "dead code", command: ["knip"] },
  { name: "duplicates", command: ["jscpd", "--config", ".jscpd.json", "src"] }
]

const run = promisify(execFile)

/** What it printed when it failed; nothing when it went well. */
const complaint = ({ command: [program = "", ...args] }: Step): Promise<string | undefined> =>
  run(program, args, { maxBuffer: 64 * 2 ** 20 }).then(
    () => undefined,
    (error) => `${error.stdout ?? ""}${error.stderr ?? ""}` || `${error.message}`
  )

/** Prints a line per step, and a failing step's whole output. */
export const runChecks = async (print: (text: string) => void): Promise<Outcome> => {
  const failures: Array<Failure> = []
  for (const step of steps) {
    const startedAt = performance.now()
    const said = await complaint(step)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    print(`${said === undefined ? "ok    " : "FAILED"} ${step.name} (${seconds} s)\n`)
    if (said !== undefined) {
      failures.push({ text: `check: ${step.name}` })
      print(`${said}\n`)
    }
  }
  return { passed: steps.length - failures.length, failed: failures.length, failures, slowest: [] }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  process.exitCode = (await runChecks((text) => process.stdout.write(text))).failed === 0 ? 0 : 1
}
