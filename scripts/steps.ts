/**
 * Runs the suites of supervision, pipeline, registry and breaker under small step budgets: `npm run test:steps`.
 *
 *   --seeds N   how often each test runs, each time with another budget between 5 and 120; default 10.
 *               What looks for planted faults draws many budgets of its own, and runs under the first seed only
 *   --seed S    the first seed; default a new one, which is printed, so that a red run can be replayed
 *   anything else goes to vitest: files, `-t NAME`
 */
import { spawnSync } from "node:child_process"

const suites = [
  "test/domain/supervision",
  "test/services/supervision",
  "test/domain/pipeline",
  "test/services/pipeline",
  "test/domain/breaker",
  "test/services/breaker"
]

const args = process.argv.slice(2)

const take = (option: string): string | undefined => {
  const index = args.indexOf(option)
  return index < 0 ? undefined : args.splice(index, 2)[1]
}

const whole = (option: string, text: string): number => {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  console.error(`${option} is ${text}, expected a whole number above 0`)
  process.exit(2)
}

const seeds = whole("--seeds", take("--seeds") ?? "10")
const seed = whole("--seed", take("--seed") ?? `${1 + Math.floor(Math.random() * 1_000_000)}`)
const files = args.some((arg) => arg.startsWith("test/")) ? [] : suites
const { status } = spawnSync(
  "vitest",
  ["run", "--project=unit", ...files, ...args],
  { stdio: "inherit", env: { ...process.env, STEPS_SEED: `${seed}`, STEPS_SEEDS: `${seeds}` } }
)
console.log(`seeds ${seed} to ${seed + seeds - 1}; replay one: npm run test:steps -- --seed S --seeds 1`)
process.exitCode = status ?? 1
