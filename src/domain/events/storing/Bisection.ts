/**
 * Finds the messages of a batch that the store refuses, by writing ever smaller parts of it.
 *
 * Each answer of the store moves the search one step; whoever carries it out asks `next` until there is nothing left.
 * Two things save statements: rows that the store itself pointed at are set apart first, and when one half of a refused
 * part was stored, the other half is split without being tried, as it must hold the culprit.
 */

interface Part {
  /** Positions in the batch. */
  readonly members: ReadonlyArray<number>
  /** Refused in all likelihood: split at once. */
  readonly isTainted: boolean
  /** Of two halves the first: when it is stored, the culprit is in the part that follows. */
  readonly isFirstHalf: boolean
}

export interface Bisection {
  readonly parts: ReadonlyArray<Part>
  readonly stored: ReadonlyArray<number>
  readonly refused: ReadonlyArray<number>
  readonly statementsLeft: number
}

/** With at most `statementsMax` statements for `size` messages. */
export const make = (size: number, statementsMax: number): Bisection => ({
  parts: size === 0 ? [] : [{
    members: Array.from({ length: size }, (_, at) => at),
    isTainted: false,
    isFirstHalf: false
  }],
  stored: [],
  refused: [],
  statementsLeft: statementsMax
})

/** What to write next; none when all is decided or the statements are used up. */
export const next = (search: Bisection): ReadonlyArray<number> | undefined =>
  search.statementsLeft > 0 ? search.parts[0]?.members : undefined

/** What was neither stored nor refused. */
export const undecided = (search: Bisection): ReadonlyArray<number> => search.parts.flatMap((part) => part.members)

const halves = (members: ReadonlyArray<number>): ReadonlyArray<Part> => {
  const middle = Math.ceil(members.length / 2)
  return [
    { members: members.slice(0, middle), isTainted: false, isFirstHalf: true },
    { members: members.slice(middle), isTainted: false, isFirstHalf: false }
  ]
}

/** Splits tainted parts until the first one is worth a statement; a tainted message alone is still asked for. */
const settle = (parts: ReadonlyArray<Part>): ReadonlyArray<Part> => {
  const [first, ...rest] = parts
  return first === undefined || !first.isTainted || first.members.length === 1
    ? parts
    : settle([...halves(first.members), ...rest])
}

/** The part that `next` gave was stored. */
export const accepted = (search: Bisection): Bisection => {
  const [part, following, ...rest] = search.parts
  if (part === undefined) return search
  const parts = following === undefined
    ? []
    : [part.isFirstHalf ? { ...following, isTainted: true } : following, ...rest]
  return {
    ...search,
    parts: settle(parts),
    stored: [...search.stored, ...part.members],
    statementsLeft: search.statementsLeft - 1
  }
}

/** The part that `next` gave was stored but for these members, which are asked for one by one now. */
export const setAside = (search: Bisection, members: ReadonlyArray<number>): Bisection => {
  const [part, ...rest] = search.parts
  if (part === undefined) return search
  const aside = new Set(members)
  const alone = part.members.filter((member) => aside.has(member))
    .map((member): Part => ({ members: [member], isTainted: false, isFirstHalf: false }))
  return {
    ...search,
    parts: [...alone, ...rest],
    stored: [...search.stored, ...part.members.filter((member) => !aside.has(member))],
    // Each takes one statement and needs no search.
    statementsLeft: search.statementsLeft - 1 + alone.length
  }
}

/** The part that `next` gave was refused, for the sake of `suspects` if the store could tell (positions in the batch). */
export const rejected = (search: Bisection, suspects: ReadonlyArray<number> = []): Bisection => {
  const [part, ...rest] = search.parts
  if (part === undefined) return search
  const statementsLeft = search.statementsLeft - 1
  if (part.members.length === 1) {
    return { ...search, parts: rest, refused: [...search.refused, ...part.members], statementsLeft }
  }
  const accused = new Set(suspects)
  const guilty = part.members.filter((member) => accused.has(member))
  const innocent = part.members.filter((member) => !accused.has(member))
  const parts: ReadonlyArray<Part> = guilty.length === 0 || innocent.length === 0
    ? halves(part.members)
    : [
      { members: innocent, isTainted: false, isFirstHalf: true },
      { members: guilty, isTainted: false, isFirstHalf: false }
    ]
  return { ...search, parts: [...parts, ...rest], statementsLeft }
}
