/**
 * When an external checker that was unhealthy is asked again.
 *
 * The interval starts at 10 s and doubles with each failure to 5 min; half of it, the last answer is believed without
 * asking. A healthy answer is never reused. The numbers are those of the Go agent.
 */

export interface CheckBackoff {
  readonly failures: number
  readonly failedNanos: bigint
}

const firstNanos = 10_000_000_000n
const lastNanos = 300_000_000_000n

export const healthy: CheckBackoff = { failures: 0, failedNanos: 0n }

export const failed = (backoff: CheckBackoff, nowNanos: bigint): CheckBackoff => ({
  failures: backoff.failures + 1,
  failedNanos: nowNanos
})

/** `true` while the last failure is believed. */
export const isCached = ({ failedNanos, failures }: CheckBackoff, nowNanos: bigint): boolean => {
  if (failures === 0) return false
  const interval = firstNanos * 2n ** BigInt(Math.min(failures - 1, 10))
  return nowNanos - failedNanos < (interval < lastNanos ? interval : lastNanos) / 2n
}
