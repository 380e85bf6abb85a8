/**
 * The fewest parts of a list that still fail, by delta debugging (Zeller's ddmin): halves first, then ever smaller parts.
 */

const attemptsDefault = 200

/** `fails` is asked as long as there is a next attempt; where there is none, what was found so far is the answer. */
export const fewest = <A>(
  list: ReadonlyArray<A>,
  fails: (part: ReadonlyArray<A>) => boolean,
  hasNext: (attempts: number) => boolean = (attempts) => attempts < attemptsDefault
): ReadonlyArray<A> => {
  let attempts = 0
  const stillFails = (part: ReadonlyArray<A>): boolean => {
    if (!hasNext(attempts)) return false
    attempts += 1
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
