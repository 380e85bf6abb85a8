/**
 * Nonces that were seen, so that no message counts twice; bounded by count and by age.
 *
 * Forgetting one early must not let its message in again: whatever of its sender is not younger than the youngest that was
 * forgotten counts as seen. A busy receiver thereby accepts a shorter age, never a replay. Where there is no more room, the
 * sender with the most makes it, so that nobody's flood shortens the age of others.
 */

export interface NonceMemory {
  /** Whether the message was seen, or is too old to know. */
  readonly isSeen: (sender: string, nonce: string, timestampSeconds: number) => boolean
  /** False when it was seen meanwhile. */
  readonly remember: (sender: string, nonce: string, timestampSeconds: number, nowSeconds: number) => boolean
  /** Of all senders. */
  readonly size: () => number
  /** What is not younger than this may have been forgotten; minus infinity while nothing of the sender has. */
  readonly forgottenSeconds: (sender: string) => number
}

export const countMaxDefault = 10_000

interface OfSender {
  /** In the order in which they came. */
  readonly seen: Map<string, number>
  forgottenSeconds: number
}

export const make = (options: { readonly countMax: number; readonly ageMaxSeconds: number }): NonceMemory => {
  const senders = new Map<string, OfSender>()
  let size = 0
  let sweptSeconds = Number.NEGATIVE_INFINITY

  const forgottenSeconds = (sender: string): number => senders.get(sender)?.forgottenSeconds ?? Number.NEGATIVE_INFINITY

  const isSeen = (sender: string, nonce: string, timestampSeconds: number): boolean => {
    const own = senders.get(sender)
    return own !== undefined && (timestampSeconds <= own.forgottenSeconds || own.seen.has(nonce))
  }

  const ofSender = (sender: string): OfSender => {
    const known = senders.get(sender)
    if (known !== undefined) return known
    const made = { seen: new Map<string, number>(), forgottenSeconds: Number.NEGATIVE_INFINITY }
    senders.set(sender, made)
    return made
  }

  /** What is too old to be accepted anyway. */
  const sweep = (nowSeconds: number): void => {
    const isExpired = (seconds: number): boolean => nowSeconds - seconds > options.ageMaxSeconds
    for (const [sender, one] of senders) {
      for (const [nonce, timestampSeconds] of one.seen) {
        if (!isExpired(timestampSeconds)) break
        one.seen.delete(nonce)
        size -= 1
      }
      if (one.seen.size === 0 && isExpired(one.forgottenSeconds)) senders.delete(sender)
    }
  }

  const largest = (among: OfSender): OfSender => {
    let found = among
    // Whoever has his share at least makes room himself, and nobody is looked for.
    if (among.seen.size * senders.size >= size) return among
    for (const one of senders.values()) if (one.seen.size > found.seen.size) found = one
    return found
  }

  const forgetOne = (of: OfSender): void => {
    for (const [nonce, timestampSeconds] of of.seen) {
      of.seen.delete(nonce)
      of.forgottenSeconds = Math.max(of.forgottenSeconds, timestampSeconds)
      size -= 1
      return
    }
  }

  return {
    isSeen,
    remember: (sender, nonce, timestampSeconds, nowSeconds) => {
      if (isSeen(sender, nonce, timestampSeconds)) return false
      if (nowSeconds !== sweptSeconds) {
        sweptSeconds = nowSeconds
        sweep(nowSeconds)
      }
      const own = ofSender(sender)
      if (size >= options.countMax) forgetOne(largest(own))
      own.seen.set(nonce, timestampSeconds)
      size += 1
      return true
    },
    size: () => size,
    forgottenSeconds
  }
}
