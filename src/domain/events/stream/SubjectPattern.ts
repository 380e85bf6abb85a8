/**
 * Subjects with wildcards, as NATS has them: `*` is one token, `>` at the end is one or more.
 */

const tokensOf = (pattern: string): ReadonlyArray<string> => pattern.split(".")

const intersectTokens = (
  left: ReadonlyArray<string>,
  right: ReadonlyArray<string>
): ReadonlyArray<string> | undefined => {
  const both: Array<string> = []
  for (let at = 0; at < left.length || at < right.length; at++) {
    const a = left[at]
    const b = right[at]
    if (a === undefined || b === undefined) return undefined
    if (a === ">") return [...both, ...right.slice(at)]
    if (b === ">") return [...both, ...left.slice(at)]
    if (a !== b && a !== "*" && b !== "*") return undefined
    both.push(a === "*" ? b : a)
  }
  return both
}

/** The pattern of the subjects that match both; none when there is no such subject. */
export const intersect = (left: string, right: string): string | undefined =>
  intersectTokens(tokensOf(left), tokensOf(right))?.join(".")

export const overlaps = (left: string, right: string): boolean => intersect(left, right) !== undefined

/** Whether each subject that matches `inner` matches `outer` too. A subject without wildcards is a pattern as well. */
export const covers = (outer: string, inner: string): boolean => intersect(outer, inner) === inner

/** Without those that another one covers. */
export const minimal = (patterns: ReadonlyArray<string>): ReadonlyArray<string> => {
  const distinct = [...new Set(patterns)]
  return distinct.filter((pattern) => !distinct.some((other) => other !== pattern && covers(other, pattern)))
}
