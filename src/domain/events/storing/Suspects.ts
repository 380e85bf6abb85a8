/**
 * Which rows of a refused statement the database most likely means, seen from outside.
 *
 * PostgreSQL names neither row nor place when a value cannot be read, so the rows are looked through for what it is known
 * to refuse. A guess saves statements; a wrong one costs a few, never a row.
 */
import { Result } from "effect"
import type { TableName, TableRows } from "../rows/Tables.ts"
import { tables } from "../rows/Tables.ts"

export type EventRow = TableRows["rows"][number]

/** An entry of a B-tree index holds at most 2,704 bytes; characters are at least one byte. */
const indexedTextMax = 2_000

const uuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i

const isJson = (text: string): boolean =>
  !text.includes("\\u0000") && Result.isSuccess(Result.try((): unknown => JSON.parse(text)))

const isBadText = (text: string): boolean => text.includes("\0") || !text.isWellFormed()

type Check = (value: unknown) => boolean

/** Whether a value that is there cannot be stored in a column of the type. */
const isBad: Readonly<Record<string, Check>> = {
  text: (value) => typeof value !== "string" || isBadText(value),
  uuid: (value) => typeof value !== "string" || !uuid.test(value),
  int4: (value) => typeof value !== "number" || (value | 0) !== value,
  int8: (value) => typeof value !== "bigint" || BigInt.asIntN(64, value) !== value,
  float8: (value) => typeof value !== "number",
  boolean: (value) => typeof value !== "boolean",
  timestamptz: (value) => typeof value !== "number" || !Number.isFinite(value) || Math.abs(value) > 9e18,
  // A document that is encoded when it is sent is seen as what is sent.
  jsonb: (value) => {
    const text = typeof value === "string" ? value : typeof value === "object" ? JSON.stringify(value) : ""
    return isBadText(text) || !isJson(text)
  },
  "text[]": (value) => !Array.isArray(value) || value.some((one) => typeof one !== "string" || isBadText(one))
}

interface Described {
  readonly key: ReadonlyArray<string>
  readonly columns: Readonly<Record<string, { readonly type: string; readonly nullable: boolean }>>
}

const isWrong = (table: Described, row: Readonly<Record<string, unknown>>): boolean =>
  Object.entries(table.columns).some(([name, column]) => {
    const value = row[name]
    return value === null || value === undefined ? !column.nullable : isBad[column.type]?.(value) === true
  })

const textsOf = (columns: ReadonlyArray<string>, row: Readonly<Record<string, unknown>>): ReadonlyArray<string> =>
  columns.map((name) => row[name]).filter((value) => typeof value === "string")

/** PostgreSQL shows at most 64 bytes of each value of a failing row. */
const isNamed = (detail: string, table: Described, row: Readonly<Record<string, unknown>>): boolean => {
  const texts = textsOf(table.key, row).filter((text) => text !== "" && text.length <= 40)
  return texts.length > 1 && texts.every((text) => detail.includes(text))
}

/**
 * Whether a row's key is longer than an index takes, unless it can be compressed: cheap to see, and nothing else gets past
 * the decoders. Such rows are written apart from the start.
 */
export const isDoubtful = (table: TableName, row: EventRow): boolean => {
  const values: Readonly<Record<string, unknown>> = row
  let length = 0
  for (const name of tables[table].key) {
    const value = values[name]
    if (typeof value === "string") length += value.length
  }
  return length > indexedTextMax
}

const positions = (rows: ReadonlyArray<EventRow>, isSuspect: (row: EventRow) => boolean): ReadonlyArray<number> =>
  rows.flatMap((row, at) => isSuspect(row) ? [at] : [])

/** Positions of the suspects. `detail` is what the database said about the failing row, if anything. */
export const find = (table: TableName, rows: ReadonlyArray<EventRow>, detail = ""): ReadonlyArray<number> => {
  const described: Described = tables[table]
  const named = detail === "" ? [] : positions(rows, (row) => isNamed(detail, described, row))
  return named.length > 0 ? named : positions(rows, (row) => isDoubtful(table, row) || isWrong(described, row))
}
