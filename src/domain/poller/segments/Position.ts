/** Where a status stands among all segments of a folder. */
export interface Position {
  readonly segment: number
  readonly ordinal: number
}

/** Before every status. */
export const start: Position = { segment: 0, ordinal: 0 }

export const isAfter = (one: Position, other: Position): boolean =>
  one.segment > other.segment || (one.segment === other.segment && one.ordinal > other.ordinal)

export const latest = (one: Position, other: Position): Position => isAfter(one, other) ? one : other
