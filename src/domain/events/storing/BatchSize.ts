/**
 * How many rows one statement may carry: half as many after a time-out or a refused row, more again after statements
 * that succeed.
 *
 * A database that answers slowly is asked for less at a time instead of for the same again.
 */

export interface BatchSize {
  readonly rows: number
  readonly rowsMin: number
  readonly rowsMax: number
  /** Since the last change. */
  readonly successes: number
}

/** Full statements in a row before the size grows; fewer would return to the size that timed out at once. */
const successesToGrow = 4

export const make = (options: { readonly rowsMin: number; readonly rowsMax: number }): BatchSize => {
  const rowsMin = Math.max(1, options.rowsMin)
  const rowsMax = Math.max(rowsMin, options.rowsMax)
  return { rows: rowsMax, rowsMin, rowsMax, successes: 0 }
}

export const timedOut = (size: BatchSize): BatchSize => ({
  ...size,
  rows: Math.max(size.rowsMin, Math.floor(size.rows / 2)),
  successes: 0
})

/** Below this, many statements cost more than what is written in vain before the refused row is met. */
const rejectedRowsMin = 250

/** Where one row is refused others follow, and each makes its statement a vain one: smaller ones are the lesser loss. */
export const rejected = (size: BatchSize): BatchSize => ({
  ...size,
  rows: Math.max(Math.min(size.rows, rejectedRowsMin), Math.floor(size.rows / 2)),
  successes: 0
})

/** A statement with few rows says nothing about one with many, so only full ones count. */
export const succeeded = (size: BatchSize, rows: number): BatchSize => {
  if (size.rows === size.rowsMax || 2 * rows < size.rows) return size
  const successes = size.successes + 1
  return successes < successesToGrow
    ? { ...size, successes }
    : { ...size, rows: Math.min(size.rowsMax, Math.ceil(size.rows * 1.5)), successes: 0 }
}
