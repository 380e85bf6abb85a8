/** Vitest's setup of `npm run test:steps`: another budget for each run of each test. */
import { beforeAll, beforeEach, onTestFailed } from "vitest"
import type { RunnerTask } from "vitest"
import { draw, install, seed, use } from "./StepBudget.ts"

declare module "vitest" {
  interface TaskMeta {
    /** Runs under the first seed only: it draws budgets of its own, many of them. */
    readonly hasOwnBudgets?: boolean
  }
}

const repeat = (tasks: ReadonlyArray<RunnerTask>, repeats: number): void => {
  for (const task of tasks) {
    if (task.type === "suite") repeat(task.tasks, repeats)
    else if (task.meta.hasOwnBudgets !== true) task.repeats = repeats
  }
}

if (seed !== undefined) {
  const first = seed
  const seeds = Number(process.env["STEPS_SEEDS"] ?? "1")
  install()
  // eslint-disable-next-line no-empty-pattern -- vitest reads the pattern, and hands over what it names
  beforeAll(({}, suite) => repeat(suite.tasks, seeds - 1))
  beforeEach(({ task }) => {
    const current = first + (task.result?.repeatCount ?? 0)
    const budget = draw(current, task.name)
    use(budget, current)
    onTestFailed(() => {
      process.stderr.write(
        `budget ${budget}; replay: npm run test:steps -- --seed ${current} --seeds 1 -t "${task.name}"\n`
      )
    })
  })
}
