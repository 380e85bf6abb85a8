/**
 * Randomness from a seed, split by name: each party draws from a stream of its own, so that one more party, or one fault
 * less, changes nothing that the others draw.
 *
 * The generator is sfc32 (PractRand), keyed by a 128-bit hash of the seed and the names on the way.
 */

/** Four 32-bit words of a text. */
const keyOf = (text: string): readonly [number, number, number, number] => {
  let [a, b, c, d] = [1_779_033_703, 3_144_134_277, 1_013_904_242, 2_773_480_762]
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    a = b ^ Math.imul(a ^ code, 597_399_067)
    b = c ^ Math.imul(b ^ code, 2_869_860_233)
    c = d ^ Math.imul(c ^ code, 951_274_213)
    d = a ^ Math.imul(d ^ code, 2_716_044_179)
  }
  return [a, b, c, d]
}

/** Drawn and thrown away, until the words of the key have mixed. */
const warmUp = 12

export class Seeded {
  readonly #key: string
  #a: number
  #b: number
  #c: number
  #counter: number

  constructor(key: string) {
    this.#key = key
    const [a, b, c, d] = keyOf(key)
    this.#a = a
    this.#b = b
    this.#c = c
    this.#counter = d
    for (let drawn = 0; drawn < warmUp; drawn += 1) this.#word()
  }

  /** A stream of its own, the same whatever was drawn from this one. */
  split(name: string): Seeded {
    return new Seeded(`${this.#key}/${name}`)
  }

  /** From 0, below 1. */
  next(): number {
    return ((this.#word() >>> 11) * 4_294_967_296 + (this.#word() >>> 0)) / 9_007_199_254_740_992
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1))
  }

  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability
  }

  /** Undefined of an empty list. */
  pick<A>(list: ReadonlyArray<A>): A | undefined {
    return list[Math.floor(this.next() * list.length)]
  }

  /** Waiting times of what comes at random, `mean` apart. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next())
  }

  #word(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0
    return sum
  }
}
