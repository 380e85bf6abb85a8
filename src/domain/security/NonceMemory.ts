/**
 * Nonces that were seen, so that no message counts twice; bounded by count and by age.
 *
 * Forgetting one early must not let its message in again: whatever is not younger than the youngest that was forgotten
 * counts as seen. A busy receiver thereby accepts a shorter age, never a replay.
 */

export interface NonceMemory {
  /** Whether the message was seen, or is too old to know. */
  readonly isSeen: (key: string, timestampSeconds: number) => boolean
  /** False when it was seen meanwhile. */
  readonly remember: (key: string, timestampSeconds: number, nowSeconds: number) => boolean
  readonly size: () => number
  /** What is not younger than this may have been forgotten; minus infinity while nothing has. */
  readonly forgottenSeconds: () => number
}

export const countMaxDefault = 10_000

export const make = (options: { readonly countMax: number; readonly ageMaxSeconds: number }): NonceMemory => {
  /** In the order in which they came. */
  const seen = new Map<string, number>()
  let forgottenSeconds = Number.NEGATIVE_INFINITY

  const isSeen = (key: string, timestampSeconds: number): boolean =>
    timestampSeconds <= forgottenSeconds || seen.has(key)

  const forget = (nowSeconds: number): void => {
    for (const [key, timestampSeconds] of seen) {
      const isExpired = nowSeconds - timestampSeconds > options.ageMaxSeconds
      if (!isExpired && seen.size < options.countMax) return
      seen.delete(key)
      if (!isExpired) forgottenSeconds = Math.max(forgottenSeconds, timestampSeconds)
    }
  }

  return {
    isSeen,
    remember: (key, timestampSeconds, nowSeconds) => {
      if (isSeen(key, timestampSeconds)) return false
      forget(nowSeconds)
      seen.set(key, timestampSeconds)
      return true
    },
    size: () => seen.size,
    forgottenSeconds: () => forgottenSeconds
  }
}
