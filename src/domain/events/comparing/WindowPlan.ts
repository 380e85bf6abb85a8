/** Cuts time into windows that hold few enough rows to be compared in memory. */

export interface Count {
  /** The begin of a unit of time that has rows. */
  readonly epochSeconds: number
  /** Of the side that has more. */
  readonly rows: number
}

export interface Range {
  readonly sinceSeconds: number | undefined
  /** Exclusive. */
  readonly untilSeconds: number | undefined
}

export interface Window {
  readonly fromSeconds: number
  /** Exclusive; none where time does not end. */
  readonly untilSeconds: number | undefined
  readonly rows: number
  /** A unit of time with too many rows is compared in as many parts, by a hash of the rows' keys. */
  readonly parts: number
}

/** Units with rows, of both sides together and in any order. */
export const merge = (left: ReadonlyArray<Count>, right: ReadonlyArray<Count>): ReadonlyArray<Count> => {
  const rows = new Map(left.map((count) => [count.epochSeconds, count.rows]))
  for (const count of right) {
    rows.set(count.epochSeconds, Math.max(count.rows, rows.get(count.epochSeconds) ?? 0))
  }
  return Array.from(rows, ([epochSeconds, count]) => ({ epochSeconds, rows: count }))
    .sort((one, other) => one.epochSeconds - other.epochSeconds)
}

/** Covers the range as far as there are rows. */
export const make = (
  counts: ReadonlyArray<Count>,
  rowsMax: number,
  range: Range = { sinceSeconds: undefined, untilSeconds: undefined }
): ReadonlyArray<Window> => {
  const groups: Array<{ readonly fromSeconds: number; rows: number }> = []
  for (const { epochSeconds, rows } of counts) {
    const last = groups.at(-1)
    if (last === undefined || last.rows + rows > rowsMax) groups.push({ fromSeconds: epochSeconds, rows })
    else last.rows += rows
  }
  return groups.map(({ fromSeconds, rows }, at) => ({
    // A unit of time may begin before the range does.
    fromSeconds: Math.max(fromSeconds, range.sinceSeconds ?? -Infinity),
    untilSeconds: groups[at + 1]?.fromSeconds ?? range.untilSeconds,
    rows,
    parts: Math.max(1, Math.ceil(rows / rowsMax))
  }))
}
