/**
 * The fewest parts of a list that still fail, by delta debugging (Zeller's ddmin): halves first, then ever smaller parts.
 */

/** `fails` is asked at most `attemptsMax` times. */
export const fewest = <A>(
  list: ReadonlyArray<A>,
  fails: (part: ReadonlyArray<A>) => boolean,
  attemptsMax = 200
): ReadonlyArray<A> => {
  let current = list
  let chunks = 2
  let attempts = 0
  const stillFails = (part: ReadonlyArray<A>): boolean => {
    attempts += 1
    return fails(part)
  }
  if (current.length > 0 && stillFails([])) return []
  while (current.length > 1 && attempts < attemptsMax) {
    const size = Math.ceil(current.length / chunks)
    let isSmaller = false
    for (let from = 0; from < current.length && attempts < attemptsMax; from += size) {
      const without = [...current.slice(0, from), ...current.slice(from + size)]
      if (without.length === 0 || !stillFails(without)) continue
      current = without
      chunks = Math.max(2, chunks - 1)
      isSmaller = true
      break
    }
    if (isSmaller) continue
    if (size === 1) return current
    chunks = Math.min(current.length, chunks * 2)
  }
  return current
}
