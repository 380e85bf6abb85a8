/** Checks of one agent that nobody could tell apart: core knows them by type and name. */
import { Option } from "effect"
import type { Check } from "../monitoring/checks/Check.ts"

export interface Named {
  readonly serviceType: string
  readonly serviceName: string
  /** Its results are fetched: another thing than its status, and told apart from it. */
  readonly isOfResults: boolean
}

/** Those that stand there a second time, by where they stand: core would keep one of both, by chance. */
export const repeated = (checks: ReadonlyArray<Named>): ReadonlySet<number> => {
  const seen = new Set<string>()
  const again = new Set<number>()
  checks.forEach(({ isOfResults, serviceName, serviceType }, index) => {
    const name = JSON.stringify([serviceType, serviceName, isOfResults])
    if (seen.has(name)) again.add(index)
    seen.add(name)
  })
  return again
}

/** Each once: the first. */
export const distinct = (checks: ReadonlyArray<Check>): ReadonlyArray<Check> => {
  const again = repeated(
    checks.map((check) => ({ ...check, isOfResults: Option.isSome(check.resultsInterval) }))
  )
  return again.size === 0 ? checks : checks.filter((_, index) => !again.has(index))
}
