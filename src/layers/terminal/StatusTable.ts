/**
 * Draws the newest status of each service as a table: service, agent, status, latency, last change.
 *
 * What is down comes first, because that is what one looks for, then what nobody has heard of lately; the rest keeps its order, so that lines stay in place.
 */
import * as Elapsed from "./Elapsed.ts"
import * as Style from "./Style.ts"
import * as TextTable from "./TextTable.ts"

export interface StatusRow {
  readonly service: string
  readonly type: string
  readonly agent: string
  readonly available: boolean
  /** Nothing has been heard of it for long enough that nobody knows. */
  readonly isStale: boolean
  readonly responseTimeNanos: number
  /** Milliseconds since 1970. */
  readonly lastChangeMillis: number
}

export interface TableOptions {
  readonly style: Style.Style
  readonly nowMillis: number
  readonly columns: number
  /** Rows beyond this are counted in a last line. Header and that line come on top. */
  readonly rowsMax: number
}

const isUp = (row: StatusRow): boolean => row.available && !row.isStale
const isDown = (row: StatusRow): boolean => !row.available && !row.isStale

const columnsAt = (nowMillis: number): ReadonlyArray<TextTable.Column<StatusRow>> => [
  { title: "SERVICE", text: (row) => row.service, columnsMax: 32 },
  { title: "TYPE", text: (row) => row.type, columnsMax: 10 },
  { title: "AGENT", text: (row) => row.agent, columnsMax: 24 },
  { title: "STATUS", text: (row) => row.isStale ? "stale" : row.available ? "up" : "DOWN", columnsMax: 6 },
  { title: "LATENCY", text: (row) => Elapsed.latency(row.responseTimeNanos), columnsMax: 8, isRight: true },
  {
    title: "LAST CHANGE",
    text: (row) => `${Elapsed.format(nowMillis - row.lastChangeMillis)} ago`,
    columnsMax: 14
  }
]

/** Header, one line for each service, and how many were left out. */
export const draw = (rows: ReadonlyArray<StatusRow>, options: TableOptions): ReadonlyArray<string> => {
  const { columns, nowMillis, style } = options
  const sorted = [...rows.filter(isDown), ...rows.filter((row) => row.isStale), ...rows.filter(isUp)]
  const shown = sorted.slice(0, Math.max(0, options.rowsMax))
  const hidden = rows.length - shown.length
  return [
    ...TextTable.draw(columnsAt(nowMillis), shown, {
      style,
      columns,
      paint: (row, line) => isDown(row) ? style.bad(line) : row.isStale ? style.warn(line) : line
    }),
    ...(hidden > 0 ? [Style.cut(style.dim(`… and ${hidden} more`), columns)] : [])
  ]
}

/** `12 up, 1 down, 2 stale`. */
export const summary = (rows: ReadonlyArray<StatusRow>, style: Style.Style): string => {
  const down = rows.filter(isDown).length
  const stale = rows.filter((row) => row.isStale).length
  const up = `${rows.length - down - stale} up`
  if (down === 0 && stale === 0) return style.good(up)
  return [
    up,
    ...(down === 0 ? [] : [style.bad(`${down} down`)]),
    ...(stale === 0 ? [] : [style.warn(`${stale} stale`)])
  ].join(", ")
}
