/** The table for people that every benchmark prints before its JSON line. */

export interface Row {
  readonly what: string
  readonly value: number
  readonly unit: string
}

export const print = (rows: ReadonlyArray<Row>): void => {
  const width = Math.max(...rows.map(({ what }) => what.length))
  for (const { what, value, unit } of rows) {
    console.log(`${what.padEnd(width)}  ${format(value).padStart(14)} ${unit}`)
  }
}

const format = (value: number): string =>
  value.toLocaleString("en-US", { maximumFractionDigits: Math.abs(value) < 100 ? 2 : 0 })
