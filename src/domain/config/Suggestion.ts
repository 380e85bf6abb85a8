/** What somebody probably meant: the nearest known word, when there is a near one. */
import { Option } from "effect"

/** Longer words are not typing errors of anything known. */
const lengthMax = 64

/**
 * Damerau-Levenshtein in its restricted form: insertions, deletions, substitutions and swaps of neighbours, each 1, and
 * no part changed twice.
 */
export const distance = (a: string, b: string): number => {
  let before: ReadonlyArray<number> = []
  let last: ReadonlyArray<number> = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const edit = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, substitution)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(isSwap ? Math.min(edit, (before[j - 2] ?? 0) + 1) : edit)
    }
    before = last
    last = row
  }
  return last[b.length] ?? 0
}

/** At most half the known word's length, and never more than three edits, away. */
export const nearest = (word: string, known: Iterable<string>): Option.Option<string> => {
  if (word === "" || word.length > lengthMax) return Option.none()
  let best: { readonly name: string; readonly edits: number } | undefined
  for (const name of known) {
    const edits = distance(word.toLowerCase(), name.toLowerCase())
    const isNear = edits <= Math.max(1, Math.min(3, Math.floor(name.length / 2)))
    if (isNear && (best === undefined || edits < best.edits)) best = { name, edits }
  }
  return Option.map(Option.fromNullishOr(best), ({ name }) => name)
}
