/**
 * A transactional store: tables of rows with a unique key, written in transactions that happen as a whole or not at all.
 *
 * What was committed survives everything. A rule of a table refuses rows, as a check constraint does.
 */
import { Data, Result } from "effect"
import { ChurningMap } from "../../domain/churn/ChurningMap.ts"

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
  readonly #tables = new Map<string, ChurningMap<string, Row>>()
  readonly #rules = new Map<string, (row: Row) => boolean>()
  commits = 0

  /** Rows of the table for which `holds` is false are refused. */
  rule(table: string, holds: (row: Row) => boolean): void {
    this.#rules.set(table, holds)
  }

  transact(writes: ReadonlyArray<Write<Row>>): Result.Result<Committed, Refused> {
    const refusal = this.#refusal(writes)
    if (refusal !== undefined) return Result.fail(refusal)
    const fresh: Array<number> = []
    for (let position = 0; position < writes.length; position += 1) {
      const write = writes[position]
      if (write === undefined) continue
      const rows = this.#table(write.table)
      const isThere = rows.has(write.key)
      if (isThere && write.onConflict === "nothing") continue
      rows.set(write.key, write.row)
      if (!isThere) fresh.push(position)
    }
    this.commits += 1
    return Result.succeed({ inserted: fresh.length, fresh, repeated: writes.length - fresh.length })
  }

  /** Found before anything is written, so that nothing has to be taken back. */
  #refusal(writes: ReadonlyArray<Write<Row>>): Refused | undefined {
    const mayConflict = writes.some(({ onConflict }) => onConflict === "fail")
    const written = new Set<string>()
    for (let position = 0; position < writes.length; position += 1) {
      const write = writes[position]
      if (write === undefined) continue
      const { key, onConflict, row, table } = write
      if (this.#rules.get(table)?.(row) === false) return new Refused({ code: "check_violation", table, position })
      if (!mayConflict) continue
      const name = JSON.stringify([table, key])
      if (onConflict === "fail" && (written.has(name) || this.#table(table).has(key))) {
        return new Refused({ code: "unique_violation", table, position })
      }
      written.add(name)
    }
    return undefined
  }

  /** As if it had never been there, so that a long run does not keep everything. */
  forget(table: string, key: string): void {
    this.#table(table).delete(key)
  }

  get(table: string, key: string): Row | undefined {
    return this.#table(table).get(key)
  }

  rows(table: string): Iterable<[key: string, row: Row]> {
    return this.#table(table)
  }

  #table(name: string): ChurningMap<string, Row> {
    const found = this.#tables.get(name)
    if (found !== undefined) return found
    const made = new ChurningMap<string, Row>()
    this.#tables.set(name, made)
    return made
  }
}
