/**
 * One `insert` per table that writes any number of rows and passes over those whose key is there already.
 *
 * One statement is one transaction: nothing is left half written when the connection breaks, and there is nothing to roll
 * back. Rows are written in the order of their keys, so that writers of the same rows wait for each other instead of
 * deadlocking; of rows with one key the first is kept.
 *
 * Where a table has check constraints, these can be asked before anything is written: one row that breaks one would undo
 * the work for all others. The statement then sets the rows of such a row's owner aside and says whose they were.
 */
import type * as PgTypes from "@effect/sql-pg/PgTypes"
import { type TableName, tables } from "../../../domain/events/rows/Tables.ts"
import type { Target } from "../../../domain/events/storing/AdoptionPlan.ts"
import type { EventRow } from "../../../domain/events/storing/Suspects.ts"
import * as ColumnArrays from "./ColumnArrays.ts"
import type { Check } from "./TableCatalog.ts"

export interface InsertStatement {
  readonly text: string
  readonly parameters: (rows: ReadonlyArray<EventRow>) => ReadonlyArray<PgTypes.Parameter>
}

/** Also takes the owners of the rows, and answers with `inserted` and the owners that were set `aside`. */
export interface CheckingStatement {
  readonly text: string
  readonly parameters: (
    rows: ReadonlyArray<EventRow>,
    owners: ReadonlyArray<number>
  ) => ReadonlyArray<PgTypes.Parameter>
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

const select = (target: Target, type: ColumnArrays.ColumnType): string => {
  const value = castTo(quote(target.column), type, target)
  return target.whenNull === "null" ? value : `coalesce(${value}, '')`
}

/** Of a column without a target nothing is sent: the table has no place for it. */
const columnsOf = (name: TableName, targets: ReadonlyArray<Target> | undefined) => {
  const described: ColumnArrays.AnyColumns = tables[name].columns
  const sent = Object.entries(described).filter(([column]) =>
    targets === undefined || targets.some((one) => one.column === column)
  )
  const columns = sent.map(([column, { type }]) => ({
    name: column,
    type,
    wire: ColumnArrays.wire[type],
    target: targets?.find((one) => one.column === column) ?? { column, name: column, type, whenNull: "null" as const }
  }))
  return columns.map((column) => ({ ...column, selected: select(column.target, column.type) }))
}

type SentColumns = ReturnType<typeof columnsOf>

const arraysOf = (columns: SentColumns) => columns.map(({ wire }, at) => `$${at + 1}::${wire.sent}[]`)

const list = (names: ReadonlyArray<string>): string => names.map(quote).join(", ")

/** As far as the table has the columns of our key. */
const keyOrder = (name: TableName, columns: SentColumns): string => {
  const key = tables[name].key.filter((column) => columns.some((one) => one.name === column))
  return key.length === 0 ? "" : `${list(key)}, `
}

/** Into a table of our own making, or one whose columns the `targets` say. */
export const make = (schema: string, name: TableName, targets?: ReadonlyArray<Target>): InsertStatement => {
  const columns = columnsOf(name, targets)
  return {
    text: [
      `insert into ${quote(schema)}.${quote(name)} (${list(columns.map(({ target }) => target.name))})`,
      `select ${columns.map(({ selected }) => selected).join(", ")}`,
      `from unnest(${arraysOf(columns).join(", ")}) with ordinality`,
      `as given (${list(columns.map((column) => column.name))}, position_in_batch)`,
      `order by ${keyOrder(name, columns)}position_in_batch`,
      "on conflict do nothing"
    ].join(" "),
    parameters: (rows) => ColumnArrays.parameters(columns, rows)
  }
}

/** The positions, from 0 on, of the rows whose keys are not there. */
export interface SearchStatement {
  readonly text: string
  readonly parameters: InsertStatement["parameters"]
}

/**
 * For rows that are probably there already: only their keys are sent and looked up, which costs a fraction of writing them
 * once more.
 *
 * To be planned each time it runs: a plan from when a partition was empty would read all of it for each row later.
 *
 * None where no key of the table answers it.
 */
export const makeSearch = (
  schema: string,
  name: TableName,
  uniqueKeys: ReadonlyArray<ReadonlyArray<string>>,
  targets?: ReadonlyArray<Target>
): SearchStatement | undefined => {
  const ours: ReadonlyArray<string> = tables[name].key
  const key = columnsOf(name, targets).filter((column) => ours.includes(column.name))
  const isOurs = key.length > 0 && key.every(({ name, selected }) => selected === quote(name)) &&
    uniqueKeys.some((one) => one.length === key.length && key.every(({ target }) => one.includes(target.name)))
  if (!isOurs) return undefined
  const isThere = key.map((column) => `there.${quote(column.target.name)} = given.${quote(column.name)}`).join(" and ")
  return {
    text: [
      "select (position_in_batch - 1)::int4 as position",
      `from unnest(${arraysOf(key).join(", ")}) with ordinality`,
      `as given (${list(key.map((column) => column.name))}, position_in_batch)`,
      // With a limit inside it stays a lookup for each row; as a join it would read all of a table without statistics.
      `left join lateral (select true as is_there from ${quote(schema)}.${
        quote(name)
      } as there where ${isThere} limit 1)`,
      "as found on true where is_there is null"
    ].join(" "),
    parameters: (rows) => ColumnArrays.parameters(key, rows)
  }
}

/** None when the table has no checks on columns that we write. */
export const makeChecking = (
  schema: string,
  name: TableName,
  checks: ReadonlyArray<Check>,
  targets?: ReadonlyArray<Target>
): CheckingStatement | undefined => {
  const columns = columnsOf(name, targets)
  const written = columns.map(({ target }) => target.name)
  const known = checks.filter((check) => check.columns.every((column) => written.includes(column)))
  if (known.length === 0) return undefined
  const arrays = arraysOf(columns)
  const owners = `$${columns.length + 1}::int4[]`
  // Only what the checks are about: the rows as a whole are read once.
  const asked = columns.filter(({ target }) => known.some((check) => check.columns.includes(target.name)))
  const read = columns.flatMap((column, at) =>
    asked.includes(column) ? [{ name: column.name, array: arrays[at] ?? "" }] : []
  )
  return {
    text: [
      "with aside as materialized (select distinct owner_in_batch from (",
      `select ${
        asked.map(({ selected, target }) => `${selected} as ${quote(target.name)}`).join(", ")
      }, owner_in_batch`,
      `from unnest(${[...read.map(({ array }) => array), owners].join(", ")})`,
      `as sent (${list(read.map((column) => column.name))}, owner_in_batch)) as given`,
      // A check that comes to null holds.
      `where ${known.map(({ expression }) => `(${expression}) is false`).join(" or ")}`,
      `), inserted as (insert into ${quote(schema)}.${quote(name)} (${list(written)})`,
      `select ${columns.map(({ selected }) => selected).join(", ")}`,
      `from unnest(${[...arrays, owners].join(", ")}) with ordinality`,
      `as given (${list(columns.map((column) => column.name))}, owner_in_batch, position_in_batch)`,
      "where owner_in_batch not in (select owner_in_batch from aside)",
      `order by ${keyOrder(name, columns)}position_in_batch on conflict do nothing returning 1)`,
      "select (select count(*)::int from inserted) as inserted,",
      "coalesce((select array_agg(owner_in_batch) from aside), '{}') as aside"
    ].join(" "),
    parameters: (rows, owners) => [
      ...ColumnArrays.parameters(columns, rows),
      ...ColumnArrays.parameters([{ name: "owner", wire: ColumnArrays.wire.int4 }], owners.map((owner) => ({ owner })))
    ]
  }
}
