/**
 * What two sets of rows of the same time have in common, and what not; rows are counted as often as they are there.
 *
 * Equal rows go off against each other first. Of what is left, rows with the same key are the same row with other values,
 * paired so that those most alike meet; the rest is missing or extra.
 */

export interface ComparedRow {
  /** Canonical text of the key's columns. */
  readonly key: ReadonlyArray<string | null>
  readonly values: ReadonlyArray<string | null>
}

export interface Pair {
  readonly left: ComparedRow
  readonly right: ComparedRow
  /** Positions of the values that differ. */
  readonly columns: ReadonlyArray<number>
}

export interface WindowDifference {
  readonly equal: number
  readonly differing: ReadonlyArray<Pair>
  /** Only on the left. */
  readonly missing: ReadonlyArray<ComparedRow>
  /** Only on the right. */
  readonly extra: ReadonlyArray<ComparedRow>
}

const identity = (texts: ReadonlyArray<string | null>): string => JSON.stringify(texts)

interface Candidates {
  readonly left: Array<ComparedRow>
  readonly right: Array<ComparedRow>
}

const byKey = (left: ReadonlyArray<ComparedRow>, right: ReadonlyArray<ComparedRow>) => {
  const groups = new Map<string, Candidates>()
  const groupOf = (row: ComparedRow) => {
    const key = identity(row.key)
    const known = groups.get(key)
    if (known !== undefined) return known
    const made: Candidates = { left: [], right: [] }
    groups.set(key, made)
    return made
  }
  for (const row of left) groupOf(row).left.push(row)
  for (const row of right) groupOf(row).right.push(row)
  return groups
}

/** What is left when each row has gone off against an equal one of the other side. */
const withoutEqual = ({ left, right }: Candidates) => {
  const counts = new Map<string, number>()
  for (const row of right) {
    const text = identity(row.values)
    counts.set(text, (counts.get(text) ?? 0) + 1)
  }
  const lonely: Array<ComparedRow> = []
  const met = new Map<string, number>()
  for (const row of left) {
    const text = identity(row.values)
    const used = met.get(text) ?? 0
    if (used < (counts.get(text) ?? 0)) met.set(text, used + 1)
    else lonely.push(row)
  }
  const others = right.filter((row) => {
    const text = identity(row.values)
    const used = met.get(text) ?? 0
    if (used > 0) met.set(text, used - 1)
    return used === 0
  })
  return { left: lonely, right: others, equal: left.length - lonely.length }
}

const differingColumns = (left: ComparedRow, right: ComparedRow): ReadonlyArray<number> =>
  left.values.flatMap((value, at) => value === right.values[at] ? [] : [at])

/** More rows of one key are paired as they come: looking for the most alike would take their square. */
const alikeMax = 50

const closest = (row: ComparedRow, others: ReadonlyArray<ComparedRow>): number => {
  if (others.length > alikeMax) return 0
  let found = 0
  let fewest = Infinity
  others.forEach((other, at) => {
    const count = differingColumns(row, other).length
    if (count < fewest) {
      fewest = count
      found = at
    }
  })
  return found
}

export const make = (left: ReadonlyArray<ComparedRow>, right: ReadonlyArray<ComparedRow>): WindowDifference => {
  let equal = 0
  const differing: Array<Pair> = []
  const missing: Array<ComparedRow> = []
  const extra: Array<ComparedRow> = []
  for (const candidates of byKey(left, right).values()) {
    const rest = withoutEqual(candidates)
    equal += rest.equal
    const others = rest.right
    for (const row of rest.left) {
      const [other] = others.splice(closest(row, others), 1)
      if (other === undefined) missing.push(row)
      else differing.push({ left: row, right: other, columns: differingColumns(row, other) })
    }
    extra.push(...others)
  }
  return { equal, differing, missing, extra }
}

/**
 * By hashes of whole rows: how many are equal for sure, and which hashes occur more often on one side than on the other.
 * All rows with such a hash are to be looked at, as the same content may be formatted differently.
 */
export const suspects = (
  left: ReadonlyArray<string>,
  right: ReadonlyArray<string>
): { readonly equal: number; readonly hashes: ReadonlyArray<string> } => {
  const surplus = new Map<string, number>()
  for (const hash of left) surplus.set(hash, (surplus.get(hash) ?? 0) + 1)
  for (const hash of right) surplus.set(hash, (surplus.get(hash) ?? 0) - 1)
  return {
    equal: left.filter((hash) => surplus.get(hash) === 0).length,
    hashes: Array.from(surplus).filter(([, count]) => count !== 0).map(([hash]) => hash)
  }
}
