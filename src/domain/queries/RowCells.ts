/** Rows of an answer as cells: their columns in order, numbers with every digit, and CSV. */
import * as ExactJson from "../monitoring/ExactJson.ts"

/** Of a bare count, where the query has no name for it. */
const bareName = "value"

/** A bare count is a row of one column. */
export const entriesOf = (row: unknown, bare: string = bareName): ReadonlyArray<readonly [string, unknown]> =>
  typeof row === "object" && row !== null && !Array.isArray(row) ? Object.entries(row) : [[bare, row]]

/** Numbers that no double holds are marked texts while they are values. */
export const isExact = (value: unknown): boolean => typeof value === "string" && value.startsWith("\u0000number:")

/** Empty where there is no value. */
export const textOf = (value: unknown): string =>
  value === null || value === undefined
    ? ""
    : typeof value === "string" && !isExact(value)
    ? value
    : ExactJson.stringify(value)

const cell = (text: string): string => /[",\r\n]/.test(text) ? `"${text.replaceAll("\"", "\"\"")}"` : text

/** A line as RFC 4180 has it, with CRLF. */
export const csvLine = (texts: ReadonlyArray<string>): string => `${texts.map(cell).join(",")}\r\n`

/** Lines of CSV for rows that come one after the other, as JSON texts of one shape; the first brings the header. */
export const csvOf = (bare?: string) => {
  let columns: ReadonlyArray<string> | undefined
  return (row: string): string => {
    const entries = entriesOf(ExactJson.parse(row), bare)
    const values = new Map(entries)
    const header = columns === undefined ? csvLine(entries.map(([name]) => name)) : ""
    columns ??= entries.map(([name]) => name)
    return header + csvLine(columns.map((name) => textOf(values.get(name))))
  }
}
