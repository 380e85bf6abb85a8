/** Cuts time into windows that hold few enough rows to be compared in memory. */

export interface Minute {
  readonly epochSeconds: number
  /** Of the side that has more. */
  readonly rows: number
}

export interface Window {
  readonly fromSeconds: number
  /** Exclusive; none for the last. */
  readonly untilSeconds: number | undefined
  readonly rows: number
  /** A minute with too many rows is compared in as many parts, by a hash of the rows' keys. */
  readonly parts: number
}

/** Minutes with rows, of both sides together and in any order. */
export const minutesOf = (
  left: ReadonlyArray<Minute>,
  right: ReadonlyArray<Minute>
): ReadonlyArray<Minute> => {
  const rows = new Map(left.map((minute) => [minute.epochSeconds, minute.rows]))
  for (const minute of right) {
    rows.set(minute.epochSeconds, Math.max(minute.rows, rows.get(minute.epochSeconds) ?? 0))
  }
  return Array.from(rows, ([epochSeconds, count]) => ({ epochSeconds, rows: count }))
    .sort((one, other) => one.epochSeconds - other.epochSeconds)
}

export const make = (minutes: ReadonlyArray<Minute>, rowsMax: number): ReadonlyArray<Window> => {
  const groups: Array<{ readonly fromSeconds: number; rows: number }> = []
  for (const { epochSeconds, rows } of minutes) {
    const last = groups.at(-1)
    if (last === undefined || last.rows + rows > rowsMax) groups.push({ fromSeconds: epochSeconds, rows })
    else last.rows += rows
  }
  return groups.map(({ fromSeconds, rows }, at) => ({
    fromSeconds,
    untilSeconds: groups[at + 1]?.fromSeconds,
    rows,
    parts: Math.max(1, Math.ceil(rows / rowsMax))
  }))
}
