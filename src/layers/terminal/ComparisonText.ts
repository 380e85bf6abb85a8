/** The result of a comparison as a person reads it: a table of counts, then what differs, then what was left out. */
import { isEqual, type TableDifference } from "../../services/events/TableComparison.ts"
import type { Style } from "./Style.ts"
import * as TerminalStyle from "./Style.ts"
import * as TextTable from "./TextTable.ts"

const count = (rows: number): string => rows.toLocaleString("en-US")

const nameOf = ({ rightTable, table }: TableDifference): string =>
  rightTable === table ? table : `${table}/${rightTable}`

const columns: ReadonlyArray<TextTable.Column<TableDifference>> = [
  { title: "TABLE", text: nameOf, columnsMax: 30 },
  { title: "LEFT", text: ({ leftRows }) => count(leftRows), columnsMax: 16, isRight: true },
  { title: "RIGHT", text: ({ rightRows }) => count(rightRows), columnsMax: 16, isRight: true },
  { title: "EQUAL", text: ({ equal }) => count(equal), columnsMax: 16, isRight: true },
  { title: "ON PURPOSE", text: ({ deliberate }) => count(deliberate), columnsMax: 16, isRight: true },
  { title: "DIFFERING", text: ({ differing }) => count(differing), columnsMax: 16, isRight: true },
  { title: "MISSING", text: ({ missing }) => count(missing), columnsMax: 16, isRight: true },
  { title: "EXTRA", text: ({ extra }) => count(extra), columnsMax: 16, isRight: true }
]

const value = (text: string | null): string => text === null ? "–" : JSON.stringify(TerminalStyle.clean(text))

const exampleLines = ({ columns, key, kind }: TableDifference["examples"][number]): ReadonlyArray<string> => [
  `    ${kind}: ${Object.entries(key).map(([name, text]) => `${name} ${value(text)}`).join(", ")}`,
  ...columns.map(({ column, left, right }) =>
    `      ${column}: ${value(left)} on the left, ${value(right)} on the right`
  )
]

const details = (style: Style, one: TableDifference): ReadonlyArray<string> =>
  isEqual(one) ? [] : [
    "",
    style.bold(nameOf(one)),
    `  rows are found by ${one.key.join(", ")}`,
    ...(one.differingColumns.length === 0
      ? []
      : [`  differing: ${one.differingColumns.map(({ column, rows }) => `${column} (${count(rows)})`).join(", ")}`]),
    ...one.examples.flatMap(exampleLines)
  ]

/** One line for each reason, with the rows of all tables. */
const onPurpose = (style: Style, all: ReadonlyArray<TableDifference>): ReadonlyArray<string> => {
  const found = all.flatMap((one) =>
    one.reasons.map(({ reason, rows }) => ({ reason, text: `${nameOf(one)} ${count(rows)}` }))
  )
  return Array.from(
    Map.groupBy(found, ({ reason }) => reason),
    ([reason, tables]) => style.dim(`on purpose, ${reason}: ${tables.map(({ text }) => text).join(", ")}`)
  )
}

/** One line for each reason, with the columns of all tables. */
const leftOut = (style: Style, all: ReadonlyArray<TableDifference>): ReadonlyArray<string> => {
  const reasons = Map.groupBy(
    all.flatMap(({ leftOut, table }) => leftOut.map(({ column, why }) => ({ why, column, table }))),
    ({ why }) => why
  )
  return Array.from(reasons, ([why, found]) => {
    const byColumn = Map.groupBy(found, ({ column }) => column)
    const names = Array.from(
      byColumn,
      ([column, tables]) =>
        tables.length === all.length ? column : tables.map(({ table }) => `${table}.${column}`).join(", ")
    )
    return style.dim(`left out, ${why}: ${names.join(", ")}`)
  })
}

export const draw = (
  all: ReadonlyArray<TableDifference>,
  options: { readonly style: Style; readonly columns: number }
): ReadonlyArray<string> => {
  const { style } = options
  const paint = (one: TableDifference, line: string) => isEqual(one) ? style.good(line) : style.bad(line)
  return [
    ...TextTable.draw(columns, all, { ...options, paint }),
    ...all.flatMap((one) => details(style, one)),
    "",
    ...onPurpose(style, all),
    ...leftOut(style, all)
  ]
}
