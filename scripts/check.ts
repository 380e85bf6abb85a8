/**
 * Everything that judges the sources without running them: format, lint, types, Effect's own diagnostics, generated
 * code, dead code and duplicates. The import rule between rooms is a test (test/architecture).
 *
 * Runs every step even when one fails, so that one run shows all there is to mend. Exits 1 when a step failed.
 */
import { spawnSync } from "node:child_process"
import { pathToFileURL } from "node:url"
import type { Outcome } from "./testReport.ts"

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

/** Prints a line per step, and a failing step's whole output. */
export const runChecks = (): Outcome => {
  const failures: Array<string> = []
  for (const { name, command: [program = "", ...args] } of steps) {
    const startedAt = performance.now()
    const done = spawnSync(program, args, { encoding: "utf8" })
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    const ok = done.status === 0
    console.log(`${ok ? "ok    " : "FAILED"} ${name} (${seconds} s)`)
    if (!ok) {
      failures.push(`check: ${name}`)
      console.log(done.error?.message ?? `${done.stdout}${done.stderr}`)
    }
  }
  return { passed: steps.length - failures.length, failed: failures.length, failures, slowest: [] }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  process.exitCode = runChecks().failed === 0 ? 0 : 1
}
