/**
 * Sums up the windows of one table, tells differences on purpose from others, and keeps a few examples of each kind.
 *
 * Rows that are alone in their window may have a partner whose key differs on purpose, in another window; as many as fit
 * are held for it until the end.
 */
import type { ComparisonPlan } from "./ComparisonRules.ts"
import * as Deliberate from "./Deliberate.ts"
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

/** Of a side. What comes then counts as alone. */
const heldMax = 10_000

const shown = (text: string | null): string | null =>
  text === null ? null : text.length > shownMax ? `${text.slice(0, shownMax)}…` : text

/** The most frequent first. */
const byRows = (counts: ReadonlyMap<string, number>) =>
  Array.from(counts, ([name, rows]) => ({ name, rows })).sort((one, other) => other.rows - one.rows)

const count = (counts: Map<string, number>, names: ReadonlyArray<string>): void => {
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
}

class Held {
  readonly #rows = new Map<string, Array<ComparedRow>>()
  #size = 0

  add(identity: string, row: ComparedRow): boolean {
    if (this.#size >= heldMax) return false
    this.#size++
    const rows = this.#rows.get(identity)
    if (rows === undefined) this.#rows.set(identity, [row])
    else rows.push(row)
    return true
  }

  take(identity: string): ComparedRow | undefined {
    const row = this.#rows.get(identity)?.shift()
    if (row !== undefined) this.#size--
    return row
  }

  get all(): ReadonlyArray<ComparedRow> {
    return Array.from(this.#rows.values()).flat()
  }
}

export class DifferenceTally {
  readonly #plan: ComparisonPlan
  readonly #examplesMax: number
  readonly #columns = new Map<string, number>()
  readonly #reasons = new Map<string, number>()
  readonly #examples: Array<Example> = []
  readonly #held = { missing: new Held(), extra: new Held() }
  equal = 0
  deliberate = 0
  differing = 0
  missing = 0
  extra = 0

  constructor(plan: ComparisonPlan, examplesMax: number) {
    this.#plan = plan
    this.#examplesMax = examplesMax
  }

  add({ differing, equal, extra, missing }: WindowDifference): void {
    this.equal += equal
    for (const { left, right } of differing) this.#addPair(left, right)
    for (const row of missing) this.#addAlone("missing", row)
    for (const row of extra) this.#addAlone("extra", row)
  }

  /** Those still held have no partner. */
  finish(): void {
    for (const kind of ["missing", "extra"] as const) {
      for (const row of this.#held[kind].all) this.#countAlone(kind, row)
    }
  }

  #addPair(left: ComparedRow, right: ComparedRow): void {
    const { columns, reasons } = Deliberate.classify(this.#plan, left, right)
    if (columns.length === 0) {
      if (reasons.length === 0) this.equal++
      else this.deliberate++
      count(this.#reasons, reasons)
      return
    }
    count(this.#columns, columns)
    if (this.differing++ >= this.#examplesMax) return
    this.#examples.push({
      kind: "differing",
      key: this.#keyOf(left),
      columns: columns.map((column) => ({
        column,
        left: shown(Deliberate.valueOf(this.#plan, left, column)),
        right: shown(Deliberate.valueOf(this.#plan, right, column))
      }))
    })
  }

  #addAlone(kind: "missing" | "extra", row: ComparedRow): void {
    const identity = Deliberate.identity(this.#plan, row)
    if (identity === undefined) return this.#countAlone(kind, row)
    const others = this.#held[kind === "missing" ? "extra" : "missing"]
    const other = others.take(identity)
    if (other === undefined) {
      if (!this.#held[kind].add(identity, row)) this.#countAlone(kind, row)
      return
    }
    if (kind === "missing") this.#addPair(row, other)
    else this.#addPair(other, row)
  }

  #countAlone(kind: "missing" | "extra", row: ComparedRow): void {
    const reason = kind === "missing" ? Deliberate.missing(this.#plan, row) : undefined
    if (reason !== undefined) {
      this.deliberate++
      count(this.#reasons, [reason])
      return
    }
    if (this[kind]++ < this.#examplesMax) this.#examples.push({ kind, key: this.#keyOf(row), columns: [] })
  }

  #keyOf(row: ComparedRow): Readonly<Record<string, string | null>> {
    return Object.fromEntries(this.#plan.key.map(({ name }, at) => [name, shown(row.key[at] ?? null)]))
  }

  get examples(): ReadonlyArray<Example> {
    return this.#examples
  }

  get differingColumns(): ReadonlyArray<{ readonly column: string; readonly rows: number }> {
    return byRows(this.#columns).map(({ name, rows }) => ({ column: name, rows }))
  }

  get reasons(): ReadonlyArray<{ readonly reason: string; readonly rows: number }> {
    return byRows(this.#reasons).map(({ name, rows }) => ({ reason: name, rows }))
  }
}
