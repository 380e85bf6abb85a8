/**
 * Draws what each source of devices is doing: its phase, pages and devices of this run, how fast they come, the run that
 * it stands for, and the devices that wait to be given up.
 */
import * as Amount from "./Amount.ts"
import * as Style from "./Style.ts"
import * as TextTable from "./TextTable.ts"

export interface InventoryRow {
  readonly source: string
  readonly phase: string
  /** Of the run that is under way, or of the last. */
  readonly pages: number
  readonly devices: number
  /** None before the first run. */
  readonly devicesPerSecond: number | undefined
  readonly rejected: number
  /** Of the run that the source stands for; 0 for none. */
  readonly generation: number
  readonly kept: number
  readonly retractionsPending: number
  /** Why the last run does not stand; empty when it does. */
  readonly problem: string
}

export interface InventoryTableOptions {
  readonly style: Style.Style
  readonly columns: number
  /** Lines that there is room for, header included. */
  readonly linesMax: number
}

const columns: ReadonlyArray<TextTable.Column<InventoryRow>> = [
  { title: "SOURCE", text: (row) => row.source, columnsMax: 16 },
  { title: "PHASE", text: (row) => row.phase, columnsMax: 10 },
  { title: "PAGES", text: (row) => Amount.short(row.pages), columnsMax: 6, isRight: true },
  { title: "DEVICES", text: (row) => Amount.short(row.devices), columnsMax: 7, isRight: true },
  {
    title: "DEV/S",
    text: (row) => row.devicesPerSecond === undefined ? "-" : Amount.short(row.devicesPerSecond),
    columnsMax: 6,
    isRight: true
  },
  { title: "BAD", text: (row) => Amount.short(row.rejected), columnsMax: 6, isRight: true },
  {
    title: "RUN",
    text: (row) => row.generation === 0 ? "-" : `#${row.generation}`,
    columnsMax: 7,
    isRight: true
  },
  { title: "KEPT", text: (row) => Amount.short(row.kept), columnsMax: 6, isRight: true },
  { title: "PENDING", text: (row) => Amount.short(row.retractionsPending), columnsMax: 7, isRight: true },
  { title: "", text: (row) => row.problem, columnsMax: 100 }
]

/** All sources in one line. */
export const summary = (rows: ReadonlyArray<InventoryRow>): string => {
  const sum = (of: (row: InventoryRow) => number) => Amount.short(rows.reduce((total, row) => total + of(row), 0))
  const problems = rows.filter(({ problem }) => problem !== "").map(({ problem, source }) => `${source}: ${problem}`)
  return `${rows.length} sources, ${sum((row) => row.kept)} devices, ` +
    `${sum((row) => row.retractionsPending)} retractions pending` +
    problems.slice(0, 1).map((problem) => `; ${problem}`).join("")
}

/** Header and a line for each source, or one for all of them where there is no room. */
export const draw = (
  rows: ReadonlyArray<InventoryRow>,
  { columns: columnsMax, linesMax, style }: InventoryTableOptions
): ReadonlyArray<string> => {
  if (rows.length === 0) return []
  const isBad = (row: InventoryRow) => row.problem !== "" || row.retractionsPending > 0
  if (rows.length >= linesMax) {
    const line = Style.clean(summary(rows))
    return [Style.cut(rows.some(isBad) ? style.warn(line) : line, columnsMax)]
  }
  return TextTable.draw(columns, rows, {
    style,
    columns: columnsMax,
    paint: (row, line) => isBad(row) ? style.warn(line) : line
  })
}
