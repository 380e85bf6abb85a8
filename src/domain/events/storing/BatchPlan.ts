/** Cuts decoded messages into statements: one table each, whole messages, bounded in rows and bytes. */
import type { TableName, TableRows } from "../rows/Tables.ts"
import { isDoubtful } from "./Suspects.ts"

export interface StoreEntry<out M> {
  readonly message: M
  readonly content: TableRows
  /** About what its rows are in a statement. */
  readonly bytes: number
}

export interface Group<out M> {
  readonly table: TableName
  readonly entries: ReadonlyArray<StoreEntry<M>>
}

/** Messages without rows are in no group; those that the database may refuse form one of their own, behind the others. */
export const groups = <M>(entries: ReadonlyArray<StoreEntry<M>>): ReadonlyArray<Group<M>> => {
  const clean = new Map<TableName, Array<StoreEntry<M>>>()
  const doubtful = new Map<TableName, Array<StoreEntry<M>>>()
  for (const entry of entries) {
    const { rows, table } = entry.content
    if (rows.length === 0) continue
    const byTable = rows.some((row) => isDoubtful(table, row)) ? doubtful : clean
    const known = byTable.get(table)
    if (known === undefined) byTable.set(table, [entry])
    else known.push(entry)
  }
  return [...clean, ...doubtful].map(([table, grouped]) => ({ table, entries: grouped }))
}

/** How many of the entries from `from` on fit into one statement; at least one, whatever its size. */
export const take = <M>(
  entries: ReadonlyArray<StoreEntry<M>>,
  from: number,
  limits: { readonly rows: number; readonly bytes: number }
): number => {
  let rows = 0
  let bytes = 0
  for (let at = from; at < entries.length; at++) {
    const entry = entries[at]
    rows += entry?.content.rows.length ?? 0
    bytes += entry?.bytes ?? 0
    if (at > from && (rows > limits.rows || bytes > limits.bytes)) return at - from
  }
  return entries.length - from
}
