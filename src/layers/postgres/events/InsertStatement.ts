/**
 * One `insert` per table that writes any number of rows and passes over those whose key is there already.
 *
 * One statement is one transaction: nothing is left half written when the connection breaks, and there is nothing to roll
 * back. Rows are written in the order of their keys, so that writers of the same rows wait for each other instead of
 * deadlocking; of rows with one key the first is kept.
 */
import type * as PgTypes from "@effect/sql-pg/PgTypes"
import { type TableName, tables } from "../../../domain/events/rows/Tables.ts"
import type { EventRow } from "../../../domain/events/storing/Suspects.ts"
import * as ColumnArrays from "./ColumnArrays.ts"

export interface InsertStatement {
  readonly text: string
  readonly parameters: (rows: ReadonlyArray<EventRow>) => ReadonlyArray<PgTypes.Parameter>
}

/** `name` is only ever one of ours, but a quote in it must not end it. */
export const quote = (name: string): string => `"${name.replaceAll("\"", "\"\"")}"`

export const make = (schema: string, name: TableName): InsertStatement => {
  const described: ColumnArrays.AnyColumns = tables[name].columns
  const columns = Object.entries(described).map(([column, { type }]) => ({
    name: column,
    wire: ColumnArrays.wire[type]
  }))
  const names = columns.map((column) => quote(column.name))
  const arrays = columns.map(({ wire }, at) => `$${at + 1}::${wire.sent}[]`)
  return {
    text: [
      `insert into ${quote(schema)}.${quote(name)} (${names.join(", ")})`,
      `select ${columns.map(({ wire }, at) => `${names[at]}${wire.cast}`).join(", ")}`,
      `from unnest(${arrays.join(", ")}) with ordinality as given (${names.join(", ")}, position_in_batch)`,
      `order by ${[...tables[name].key.map(quote), "position_in_batch"].join(", ")}`,
      "on conflict do nothing"
    ].join(" "),
    parameters: (rows) => ColumnArrays.parameters(columns, rows)
  }
}
