/**
 * A transactional store: tables of rows with a unique key, written in transactions that happen as a whole or not at all.
 *
 * What was committed survives everything. A rule of a table refuses rows, as a check constraint does.
 */
import { Data, Result } from "effect"

export interface Write<Row> {
  readonly table: string
  /** Unique in the table. */
  readonly key: string
  readonly row: Row
  /** What becomes of the row when the key is there: `fail` refuses the whole transaction. */
  readonly onConflict: "nothing" | "replace" | "fail"
}

/** The transaction changed nothing. */
export class Refused extends Data.TaggedError("Refused")<{
  readonly code: "unique_violation" | "check_violation"
  readonly table: string
  /** Which of the writes. */
  readonly position: number
}> {}

export interface Committed {
  readonly inserted: number
  /** Which of the writes, in their order. */
  readonly fresh: ReadonlyArray<number>
  /** Rows whose key was there already. */
  readonly repeated: number
}

export class StoreModel<Row> {
  readonly #tables = new Map<string, Map<string, Row>>()
  readonly #rules = new Map<string, (row: Row) => boolean>()
  commits = 0

  /** Rows of the table for which `holds` is false are refused. */
  rule(table: string, holds: (row: Row) => boolean): void {
    this.#rules.set(table, holds)
  }

  transact(writes: ReadonlyArray<Write<Row>>): Result.Result<Committed, Refused> {
    const undo: Array<() => void> = []
    const fresh: Array<number> = []
    for (const [position, { key, onConflict, row, table }] of writes.entries()) {
      const rows = this.#table(table)
      const before = rows.get(key)
      const isThere = before !== undefined || rows.has(key)
      const code = this.#rules.get(table)?.(row) === false
        ? "check_violation"
        : isThere && onConflict === "fail"
        ? "unique_violation"
        : undefined
      if (code !== undefined) {
        for (const take of undo.toReversed()) take()
        return Result.fail(new Refused({ code, table, position }))
      }
      if (isThere && onConflict === "nothing") continue
      rows.set(key, row)
      if (!isThere) fresh.push(position)
      undo.push(() => {
        if (isThere && before !== undefined) rows.set(key, before)
        else rows.delete(key)
      })
    }
    this.commits += 1
    return Result.succeed({ inserted: fresh.length, fresh, repeated: writes.length - fresh.length })
  }

  /** As if it had never been there, so that a long run does not keep everything. */
  forget(table: string, key: string): void {
    this.#table(table).delete(key)
  }

  get(table: string, key: string): Row | undefined {
    return this.#table(table).get(key)
  }

  rows(table: string): ReadonlyMap<string, Row> {
    return this.#table(table)
  }

  #table(name: string): Map<string, Row> {
    const found = this.#tables.get(name)
    if (found !== undefined) return found
    const made = new Map<string, Row>()
    this.#tables.set(name, made)
    return made
  }
}
