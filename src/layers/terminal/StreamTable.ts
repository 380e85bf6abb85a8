/**
 * Draws how each event stream is written: messages and rows a second, what waits, rows so far, dead letters, latency.
 *
 * A stream in trouble says why. Where there is no room for a line each, the quiet streams go first, then one line is left
 * for all of them.
 */
import * as Amount from "./Amount.ts"
import * as Elapsed from "./Elapsed.ts"
import * as Style from "./Style.ts"
import * as TextTable from "./TextTable.ts"

export interface StreamRow {
  readonly stream: string
  readonly messagesPerSecond: number
  readonly rowsPerSecond: number
  /** Messages that wait; none until the server has told. */
  readonly lag: number | undefined
  /** Rows since the start. */
  readonly rows: number
  readonly deadLetters: number
  /** Of 99 in 100 messages from the stream to the database at most; none without messages. */
  readonly latencyMillis: number | undefined
  /** Empty when all is well. */
  readonly problem: string
}

export interface StreamTableOptions {
  readonly style: Style.Style
  readonly columns: number
  /** Lines that there is room for, header included; at least 1. */
  readonly linesMax: number
}

const rate = (perSecond: number): string =>
  perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : Amount.short(perSecond)

const latency = (millis: number | undefined): string => millis === undefined ? "-" : Elapsed.latency(millis * 1e6)

const columns: ReadonlyArray<TextTable.Column<StreamRow>> = [
  { title: "STREAM", text: (row) => row.stream, columnsMax: 14 },
  { title: "MSG/S", text: (row) => rate(row.messagesPerSecond), columnsMax: 7, isRight: true },
  { title: "ROWS/S", text: (row) => rate(row.rowsPerSecond), columnsMax: 7, isRight: true },
  { title: "LAG", text: (row) => row.lag === undefined ? "-" : Amount.short(row.lag), columnsMax: 7, isRight: true },
  { title: "ROWS", text: (row) => Amount.short(row.rows), columnsMax: 7, isRight: true },
  { title: "DEAD", text: (row) => Amount.short(row.deadLetters), columnsMax: 7, isRight: true },
  { title: "P99", text: (row) => latency(row.latencyMillis), columnsMax: 7, isRight: true },
  { title: "", text: (row) => row.problem, columnsMax: 100 }
]

const isQuiet = (row: StreamRow): boolean =>
  row.messagesPerSecond === 0 && row.rows === 0 && (row.lag ?? 0) === 0 && row.deadLetters === 0 && row.problem === ""

const sum = (rows: ReadonlyArray<StreamRow>, of: (row: StreamRow) => number): number =>
  rows.reduce((total, row) => total + of(row), 0)

/** All streams in one line. */
export const summary = (rows: ReadonlyArray<StreamRow>): string => {
  const latencies = rows.flatMap((row) => row.latencyMillis ?? [])
  const p99 = latencies.length === 0 ? "" : `, p99 ${latency(Math.max(...latencies))}`
  const dead = sum(rows, (row) => row.deadLetters)
  const problems = rows.filter((row) => row.problem !== "").map((row) => `${row.stream}: ${row.problem}`)
  return `events ${rate(sum(rows, (row) => row.messagesPerSecond))} msg/s, lag ${
    Amount.short(sum(rows, (row) => row.lag ?? 0))
  }, `
    + `${Amount.short(sum(rows, (row) => row.rows))} rows, ${Amount.short(dead)} dead${p99}`
    + problems.slice(0, 1).map((problem) => `; ${problem}`).join("")
}

/** Header and a line for each stream, or as much of it as there is room for. */
export const draw = (rows: ReadonlyArray<StreamRow>, options: StreamTableOptions): ReadonlyArray<string> => {
  const { columns: columnsMax, linesMax, style } = options
  if (rows.length === 0) return []
  const busy = rows.filter((row) => !isQuiet(row))
  const shown = rows.length < linesMax ? rows : busy
  if (shown.length >= linesMax || shown.length === 0) {
    const hasProblem = rows.some((row) => row.problem !== "")
    return [Style.cut((hasProblem ? style.warn : style.dim)(Style.clean(summary(rows))), columnsMax)]
  }
  return TextTable.draw(columns, shown, {
    style,
    columns: columnsMax,
    paint: (row, line) =>
      row.problem !== ""
        ? style.warn(line)
        : row.deadLetters > 0
        ? style.bad(line)
        : isQuiet(row)
        ? style.dim(line)
        : line
  })
}
