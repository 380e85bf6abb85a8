/** An answer to `bucket:` as a line over time for each series. */
import * as RowCells from "../../../domain/queries/RowCells.ts"
import * as Sparkline from "../../../layers/terminal/Sparkline.ts"
import * as Style from "../../../layers/terminal/Style.ts"
import type { Answer } from "./Answer.ts"

export const isOf = ({ columns }: Answer): boolean => columns.join() === "timestamp,series,value"

interface Series {
  readonly name: string
  /** By the start of the bucket. */
  readonly values: Map<string, number>
}

/** Sums of whole numbers come as text, as they may be larger than a double is exact. */
const numberOf = (value: unknown): number => Number(RowCells.textOf(value).replaceAll(/[^-+.\deE]/g, "") || Number.NaN)

const seriesOf = ({ rows }: Answer): ReadonlyArray<Series> => {
  const found = new Map<string, Series>()
  for (const [time, name, value] of rows) {
    const called = Style.clean(RowCells.textOf(name))
    const series = found.get(called) ?? { name: called, values: new Map() }
    series.values.set(RowCells.textOf(time), numberOf(value))
    found.set(called, series)
  }
  return [...found.values()].sort((one, other) => one.name.localeCompare(other.name))
}

const short = (value: number): string =>
  Number.isFinite(value) ? value.toLocaleString("en-US", { maximumFractionDigits: 2 }) : "-"

const nameMax = 30

export const draw = (answer: Answer, style: Style.Style, columns: number): string => {
  const series = seriesOf(answer)
  const times = [...new Set(answer.rows.map(([time]) => RowCells.textOf(time)))].sort()
  const width = Math.min(nameMax, Math.max(5, ...series.map(({ name }) => name.length)))
  const room = Math.max(10, Math.min(columns, 200) - width - 45)
  const lines = series.map(({ name, values }) => {
    const numbers = [...values.values()].filter(Number.isFinite)
    const line = Sparkline.draw(times.map((time) => values.get(time) ?? null), room)
    const last = numbers.at(-1) ?? Number.NaN
    return `${Style.fit(name === "" ? "value" : name, width).padEnd(width)} ${style.good(line)} ${
      style.dim(`${short(Math.min(...numbers))} to ${short(Math.max(...numbers))}, last ${short(last)}`)
    }`
  })
  return [style.dim(`${times[0] ?? ""} to ${times.at(-1) ?? ""}, ${times.length} buckets`), ...lines].join("\n")
}
