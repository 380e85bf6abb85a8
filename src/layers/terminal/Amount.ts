/** Counts for a narrow column. */

/** `0`, `9876`, `45.6k`, `2.0M`. */
export const short = (value: number): string =>
  value >= 1_000_000
    ? `${(value / 1_000_000).toFixed(1)}M`
    : value >= 10_000
    ? `${(value / 1_000).toFixed(1)}k`
    : String(Math.round(value))
