/**
 * Rows as lines of text under a header, each column as wide as its widest cell.
 *
 * Cells come from elsewhere: they are made harmless and cut before they are measured.
 */
import * as Style from "./Style.ts"

export interface Column<in Row> {
  readonly title: string
  readonly text: (row: Row) => string
  /** Longer texts end in an ellipsis. */
  readonly columnsMax: number
  readonly isRight?: boolean
}

export interface Options<in Row> {
  readonly style: Style.Style
  /** Lines are cut here. */
  readonly columns: number
  /** Colours a whole line. */
  readonly paint?: (row: Row, line: string) => string
}

/** The header, then one line for each row. */
export const draw = <Row>(
  columns: ReadonlyArray<Column<Row>>,
  rows: ReadonlyArray<Row>,
  { columns: columnsMax, paint, style }: Options<Row>
): ReadonlyArray<string> => {
  const cells = rows.map((row) => columns.map((column) => Style.fit(Style.clean(column.text(row)), column.columnsMax)))
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...cells.map((line) => Style.width(line[index] ?? "")))
  )
  const layOut = (line: ReadonlyArray<string>): string =>
    columns.map((column, index) =>
      (column.isRight === true ? Style.padStart : Style.padEnd)(line[index] ?? "", widths[index] ?? 0)
    ).join("  ").trimEnd()

  const lines = rows.map((row, index) => {
    const line = layOut(cells[index] ?? [])
    return paint === undefined ? line : paint(row, line)
  })
  return [style.bold(layOut(columns.map(({ title }) => title))), ...lines].map((line) => Style.cut(line, columnsMax))
}
