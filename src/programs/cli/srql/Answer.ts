/** Rows of an answer for people and for programs: a table that fits the terminal, CSV, or the JSON as it came. */
import { Option, Schema } from "effect"
import * as ExactJson from "../../../domain/monitoring/ExactJson.ts"
import * as RowCells from "../../../domain/queries/RowCells.ts"
import type * as Style from "../../../layers/terminal/Style.ts"
import * as TextTable from "../../../layers/terminal/TextTable.ts"

const Document = Schema.Struct({
  results: Schema.Array(Schema.Unknown),
  pagination: Schema.Struct({ next_cursor: Schema.NullOr(Schema.String) }),
  warnings: Schema.optionalKey(Schema.Array(Schema.String))
})
const decodeDocument = Schema.decodeUnknownOption(Document)

export interface Answer {
  readonly columns: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<unknown>>
  readonly nextCursor: string | null
  readonly warnings: ReadonlyArray<string>
}

const parse = Option.liftThrowable(ExactJson.parse)

/** None when it is no answer of core. Numbers keep every digit; a bare one is called `bare`. */
export const read = (body: string, bare?: string): Option.Option<Answer> =>
  Option.map(Option.flatMap(parse(body), decodeDocument), ({ pagination, results, warnings = [] }) => {
    const entries = results.map((row) => RowCells.entriesOf(row, bare))
    const columns = [...new Set(entries.flatMap((row) => row.map(([name]) => name)))]
    return {
      columns,
      rows: entries.map((row) => {
        const values = new Map(row)
        return columns.map((name) => values.get(name))
      }),
      nextCursor: pagination.next_cursor,
      warnings
    }
  })

/** RFC 4180: a header, a line for each row, CRLF; empty where there is no value. */
export const csv = ({ columns, rows }: Answer): string =>
  [columns, ...rows.map((row) => row.map(RowCells.textOf))].map(RowCells.csvLine).join("")

const columnsMax = 40

const isNumber = (value: unknown): boolean => typeof value === "number" || RowCells.isExact(value)

/** Columns without any value are left out: most of an entity's are. */
export const table = ({ columns, rows }: Answer, style: Style.Style, terminalColumns: number): string => {
  const shown = columns.flatMap((title, at): ReadonlyArray<TextTable.Column<ReadonlyArray<unknown>>> =>
    rows.some((row) => RowCells.textOf(row[at]) !== "")
      ? [{
        title,
        columnsMax,
        text: (row) => RowCells.textOf(row[at]),
        isRight: rows.every((row) => isNumber(row[at]))
      }]
      : []
  )
  return TextTable.draw(shown, rows, { style, columns: terminalColumns }).join("\n")
}
