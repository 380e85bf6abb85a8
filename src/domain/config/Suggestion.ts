/** What an operator probably meant: the nearest known word, when there is a near one. */
import { Option } from "effect"

/** The known word at most half its length (never more than three edits) away; none when nothing is that near. */
export const nearest = (key: string, known: ReadonlyArray<string>): Option.Option<string> => {
  const ranked = known
    .map((name) => ({ name, distance: editDistance(key.toLowerCase(), name.toLowerCase()) }))
    .filter(({ distance, name }) => distance <= Math.max(1, Math.min(3, Math.floor(name.length / 2))))
    .sort((a, b) => a.distance - b.distance)
  return Option.fromNullishOr(ranked[0]?.name)
}

const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution))
    }
    row = next
  }
  return row[b.length] ?? 0
}
