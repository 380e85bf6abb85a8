/** Sums up the windows of one table, and keeps a few examples of each kind of difference. */
import type { ComparisonPlan } from "./ComparisonRules.ts"
import type { ComparedRow, WindowDifference } from "./WindowDifference.ts"

export interface Example {
  readonly kind: "differing" | "missing" | "extra"
  readonly key: Readonly<Record<string, string | null>>
  readonly columns: ReadonlyArray<
    { readonly column: string; readonly left: string | null; readonly right: string | null }
  >
}

/** Long values are cut. */
const shownMax = 200

const shown = (text: string | null | undefined): string | null =>
  text === undefined || text === null ? null : text.length > shownMax ? `${text.slice(0, shownMax)}…` : text

export class DifferenceTally {
  readonly #plan: ComparisonPlan
  readonly #examplesMax: number
  readonly #columns = new Map<string, number>()
  readonly #examples: Array<Example> = []
  equal = 0
  differing = 0
  missing = 0
  extra = 0

  constructor(plan: ComparisonPlan, examplesMax: number) {
    this.#plan = plan
    this.#examplesMax = examplesMax
  }

  add({ differing, equal, extra, missing }: WindowDifference): void {
    this.equal += equal
    for (const { columns, left, right } of differing) {
      const names = columns.map((at) => this.#plan.values[at]?.name ?? "")
      for (const name of names) this.#columns.set(name, (this.#columns.get(name) ?? 0) + 1)
      if (this.differing++ >= this.#examplesMax) continue
      this.#examples.push({
        kind: "differing",
        key: this.#keyOf(left),
        columns: columns.map((at) => ({
          column: this.#plan.values[at]?.name ?? "",
          left: shown(left.values[at]),
          right: shown(right.values[at])
        }))
      })
    }
    for (const row of missing) {
      if (this.missing++ < this.#examplesMax) {
        this.#examples.push({ kind: "missing", key: this.#keyOf(row), columns: [] })
      }
    }
    for (const row of extra) {
      if (this.extra++ < this.#examplesMax) this.#examples.push({ kind: "extra", key: this.#keyOf(row), columns: [] })
    }
  }

  #keyOf(row: ComparedRow): Readonly<Record<string, string | null>> {
    return Object.fromEntries(this.#plan.key.map(({ name }, at) => [name, shown(row.key[at])]))
  }

  get examples(): ReadonlyArray<Example> {
    return this.#examples
  }

  /** The most frequent first. */
  get differingColumns(): ReadonlyArray<{ readonly column: string; readonly rows: number }> {
    return Array.from(this.#columns, ([column, rows]) => ({ column, rows })).sort((one, other) => other.rows - one.rows)
  }
}
