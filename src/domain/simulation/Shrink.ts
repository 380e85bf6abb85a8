/**
 * The fewest parts of a list that still fail, by delta debugging (Zeller's ddmin): halves first, then ever smaller parts.
 */

/** `fails` is asked at most `attemptsMax` times. */
export const fewest = <A>(
  list: ReadonlyArray<A>,
  fails: (part: ReadonlyArray<A>) => boolean,
  attemptsMax = 200
): ReadonlyArray<A> => {
  let attemptsLeft = attemptsMax
  const stillFails = (part: ReadonlyArray<A>): boolean => {
    if (attemptsLeft <= 0) return false
    attemptsLeft -= 1
    return fails(part)
  }
  /** The first part that still fails although so many at one place are left out. */
  const without = (all: ReadonlyArray<A>, size: number): ReadonlyArray<A> | undefined => {
    for (let from = 0; from < all.length; from += size) {
      const rest = [...all.slice(0, from), ...all.slice(from + size)]
      if (stillFails(rest)) return rest
    }
    return undefined
  }
  const smaller = (all: ReadonlyArray<A>, size: number): ReadonlyArray<A> => {
    const rest = without(all, size)
    if (rest !== undefined) return rest.length === 0 ? rest : smaller(rest, Math.min(size, Math.ceil(rest.length / 2)))
    return size <= 1 ? all : smaller(all, Math.ceil(size / 2))
  }
  return list.length === 0 || stillFails([]) ? [] : smaller(list, Math.ceil(list.length / 2))
}
