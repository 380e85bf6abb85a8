/** What is left of the restarts of each checker that broke lately. */
import { Duration } from "effect"
import * as RestartBudget from "../../domain/agent/RestartBudget.ts"
import { failed, type ProbeResult } from "../../domain/monitoring/checks/ProbeResult.ts"

interface Entry {
  readonly budget: RestartBudget.RestartBudget
  readonly reason: string
}

export class CheckerBudgets {
  private readonly entries = new Map<string, Entry>()
  private readonly max: number

  /** Of more checkers than `max`, those that broke last are remembered. */
  constructor(max: number) {
    this.max = max
  }

  /** None broke lately. */
  get isEmpty(): boolean {
    return this.entries.size === 0
  }

  /** What is answered in the place of a checker that rests. */
  rest(key: string, nowMillis: number): ProbeResult | undefined {
    const entry = this.entries.get(key)
    if (entry === undefined) return undefined
    const millis = RestartBudget.restsForMillis(entry.budget, nowMillis)
    if (millis === 0) return undefined
    const seconds = Duration.format(Duration.seconds(Math.ceil(millis / 1_000)))
    return failed(`the checker broke too often and rests for ${seconds}: ${entry.reason}`)
  }

  /** Whether it rests now. */
  broke(key: string, reason: string, nowMillis: number): boolean {
    const budget = RestartBudget.broke(this.entries.get(key)?.budget ?? RestartBudget.full, nowMillis)
    this.entries.delete(key)
    this.entries.set(key, { budget, reason })
    for (const [oldest] of this.entries) {
      if (this.entries.size <= this.max) break
      this.entries.delete(oldest)
    }
    return RestartBudget.restsForMillis(budget, nowMillis) > 0
  }

  /** Another configuration begins with all of its restarts. */
  forget(key: string): void {
    this.entries.delete(key)
  }

  answered(key: string, nowMillis: number): void {
    const entry = this.entries.get(key)
    if (entry === undefined) return
    const budget = RestartBudget.answered(entry.budget, nowMillis)
    if (budget === undefined) this.entries.delete(key)
    else this.entries.set(key, { ...entry, budget })
  }
}
