/**
 * Random histories for a model and the real thing that it stands for: both are led through each, and have to answer the
 * same.
 *
 * Twenty of each unless `CONTRACT_HISTORIES` says how many; `CONTRACT_SEED` is the first.
 */
import { Seeded } from "../../../../src/domain/simulation/Seeded.ts"

const count = Number(process.env["CONTRACT_HISTORIES"] ?? 20)
const first = Number(process.env["CONTRACT_SEED"] ?? 1)

export const timeoutMillis = 30_000 + count * 500

export const seeds: ReadonlyArray<number> = Array.from({ length: count }, (_, at) => first + at)

export const randomOf = (subject: string, seed: number): Seeded => new Seeded(`${subject} ${seed}`)

/** A history: what is done, each drawn in its turn. */
export const draw = <A>(random: Seeded, least: number, most: number, one: (random: Seeded) => A): ReadonlyArray<A> =>
  Array.from({ length: random.between(least, most) }, () => one(random))

/** One of a few, by weight. */
export const pick = <A>(random: Seeded, choices: ReadonlyArray<readonly [weight: number, choice: A]>): A => {
  const sum = choices.reduce((all, [weight]) => all + weight, 0)
  let left = random.next() * sum
  for (const [weight, choice] of choices) {
    left -= weight
    if (left < 0) return choice
  }
  const [last] = choices.slice(-1)
  if (last === undefined) throw new Error("nothing to choose from")
  return last[1]
}
