/** The table for people that every benchmark prints before its JSON line. */

export interface Row {
  readonly what: string
  readonly value: number
  readonly unit: string
  /** What has to be reached, and what would be better, as text. */
  readonly must?: string
  readonly aim?: string
}

export const print = (rows: ReadonlyArray<Row>): void => {
  const width = Math.max(...rows.map(({ what }) => what.length))
  const unitWidth = Math.max(...rows.map(({ unit }) => unit.length))
  const bounds = ({ aim, must }: Row): string => [...bound("must", must), ...bound("aim", aim)].join(", ")
  for (const row of rows) {
    const { unit, value, what } = row
    console.log(
      `${what.padEnd(width)}  ${format(value).padStart(14)} ${unit.padEnd(unitWidth)}  ${bounds(row)}`.trimEnd()
    )
  }
}

const bound = (name: string, value: string | undefined): ReadonlyArray<string> =>
  value === undefined ? [] : [`${name} ${value}`]

const format = (value: number): string =>
  value.toLocaleString("en-US", { maximumFractionDigits: Math.abs(value) < 100 ? 2 : 0 })
