/**
 * What an agent may send: so many bytes a second over time, many more at once. Each byte of an answer is read by this
 * process, for which all other agents wait meanwhile; one that sends more is not asked until it has made up for it.
 *
 * Belongs to one agent and changes in place.
 */
export interface AllowanceLimits {
  readonly bytesPerSecond: number
  /** What one that was silent for long may send at once. */
  readonly bytesMax: number
}

/** A hundred checks each 30 s with 19 KiB each, or two of the largest answers there are after a pause, the second on credit. */
export const limitsDefault: AllowanceLimits = { bytesPerSecond: 65_536, bytesMax: 4 * 1_048_576 + 65_536 }

export interface ByteAllowance {
  readonly limits: AllowanceLimits
  /** Below 0 when it has sent more than it may. */
  left: number
  atMillis: number
}

export const make = (limits: AllowanceLimits = limitsDefault): ByteAllowance => ({
  limits,
  left: limits.bytesMax,
  atMillis: Number.NEGATIVE_INFINITY
})

const refill = (allowance: ByteAllowance, nowMillis: number): void => {
  const { bytesMax, bytesPerSecond } = allowance.limits
  const seconds = Math.max(0, nowMillis - allowance.atMillis) / 1_000
  allowance.left = Math.min(bytesMax, allowance.left + seconds * bytesPerSecond)
  allowance.atMillis = nowMillis
}

/** By a clock that only goes forward. */
export const isSpent = (allowance: ByteAllowance, nowMillis: number): boolean => {
  if (allowance.left >= 0) return false
  refill(allowance, nowMillis)
  return allowance.left < 0
}

export const spend = (allowance: ByteAllowance, bytes: number, nowMillis: number): void => {
  refill(allowance, nowMillis)
  allowance.left -= bytes
}
