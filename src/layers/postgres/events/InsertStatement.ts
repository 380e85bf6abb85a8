/**
 * One `insert` per table that writes any number of rows and passes over those whose key is there already.
 *
 * One statement is one transaction: nothing is left half written when the connection breaks, and there is nothing to roll
 * back. Rows are written in the order of their keys, so that writers of the same rows wait for each other instead of
 * deadlocking; of rows with one key the first is kept.
 */
import type * as PgTypes from "@effect/sql-pg/PgTypes"
import { type TableName, tables } from "../../../domain/events/rows/Tables.ts"
import type { Target } from "../../../domain/events/storing/AdoptionPlan.ts"
import type { EventRow } from "../../../domain/events/storing/Suspects.ts"
import * as ColumnArrays from "./ColumnArrays.ts"

export interface InsertStatement {
  readonly text: string
  readonly parameters: (rows: ReadonlyArray<EventRow>) => ReadonlyArray<PgTypes.Parameter>
}

/** `name` is only ever one of ours, but a quote in it must not end it. */
export const quote = (name: string): string => `"${name.replaceAll("\"", "\"\"")}"`

const castTo = (value: string, type: ColumnArrays.ColumnType, target: Target): string =>
  type === target.type
    ? `${value}${ColumnArrays.wire[type].cast}`
    : type === "int8" && target.type === "int4"
    ? `case when ${value} between -2147483648 and 2147483647 then ${value}::int4 end`
    // Wider numbers, and JSON that the table keeps as text.
    : value

const select = (target: Target, type: ColumnArrays.ColumnType, id: string): string => {
  const value = castTo(quote(target.column), type, target)
  return target.whenNull === "null"
    ? value
    : target.whenNull === "empty"
    ? `coalesce(${value}, '')`
    : `coalesce(nullif(${value}, ''), ${quote(id)}::text)`
}

/** Into a table of our own making, or one whose columns the `targets` say. */
export const make = (schema: string, name: TableName, targets?: ReadonlyArray<Target>): InsertStatement => {
  const described: ColumnArrays.AnyColumns = tables[name].columns
  const columns = Object.entries(described).map(([column, { type }]) => ({
    name: column,
    type,
    wire: ColumnArrays.wire[type],
    target: targets?.find((one) => one.column === column) ?? { column, name: column, type, whenNull: "null" as const }
  }))
  const id = columns.find(({ type }) => type === "uuid")?.name ?? ""
  const names = columns.map((column) => quote(column.name))
  const arrays = columns.map(({ wire }, at) => `$${at + 1}::${wire.sent}[]`)
  return {
    text: [
      `insert into ${quote(schema)}.${quote(name)} (${columns.map(({ target }) => quote(target.name)).join(", ")})`,
      `select ${columns.map(({ target, type }) => select(target, type, id)).join(", ")}`,
      `from unnest(${arrays.join(", ")}) with ordinality as given (${names.join(", ")}, position_in_batch)`,
      `order by ${[...tables[name].key.map(quote), "position_in_batch"].join(", ")}`,
      "on conflict do nothing"
    ].join(" "),
    parameters: (rows) => ColumnArrays.parameters(columns, rows)
  }
}
