/** Damaged inputs for fuzz tests, the same for the same seed. */
import * as v8 from "node:v8"
import * as vm from "node:vm"

/** Inputs of each kind: all of them where `FUZZ_MUTATIONS` says 100000, a share of them in every run. */
export const mutations = Number(process.env["FUZZ_MUTATIONS"] ?? 10_000)

/** Mulberry32: numbers below `bound`. */
export const generator = (seed = Number(process.env["FUZZ_SEED"] ?? 1)) => {
  let state = seed >>> 0
  return (bound: number): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
}

export type Random = ReturnType<typeof generator>

const cut = (data: Buffer, random: Random): readonly [Buffer, Buffer, Buffer] => {
  const from = random(data.length + 1)
  const to = Math.min(data.length, from + random(20))
  return [data.subarray(0, from), data.subarray(from, to), data.subarray(to)]
}

const withByte = (data: Buffer, at: number, byte: number): Buffer => {
  const copy = Buffer.from(data)
  copy[at] = byte
  return copy
}

const changes: ReadonlyArray<(data: Buffer, random: Random, pieces: ReadonlyArray<Buffer>) => Buffer> = [
  (data, random) => withByte(data, random(data.length), random(256)),
  (data, random) => {
    const at = random(data.length)
    return withByte(data, at, (data[at] ?? 0) ^ (1 << random(8)))
  },
  (data, random) => data.subarray(0, random(data.length)),
  (data, random) => {
    const [before, , after] = cut(data, random)
    return Buffer.concat([before, after])
  },
  (data, random) => {
    const [before, middle, after] = cut(data, random)
    return Buffer.concat([before, middle, middle, after])
  },
  (data, random, pieces) => {
    const [before, middle, after] = cut(data, random)
    const piece = pieces[random(Math.max(1, pieces.length))] ?? Buffer.alloc(1)
    return Buffer.concat(random(2) === 0 ? [before, piece, after] : [before, middle, piece, after])
  }
]

/** One to three changes: bytes, bits, cuts, repetitions, and pieces that readers stumble over. */
export const mutate = (data: Uint8Array, random: Random, pieces: ReadonlyArray<Buffer> = []): Buffer => {
  let mutated = Buffer.from(data)
  for (let left = 1 + random(3); left > 0; left--) {
    if (mutated.length > 0) mutated = Buffer.from(changes[random(changes.length)]?.(mutated, random, pieces) ?? mutated)
  }
  return mutated
}

const heapMebibytes = (): number => {
  v8.setFlagsFromString("--expose-gc")
  const collect: unknown = vm.runInNewContext("gc")
  if (typeof collect === "function") collect()
  return process.memoryUsage().heapUsed / 2 ** 20
}

/** Runs all rounds, and answers by how many MiB the heap has grown since the first fifth of them. */
export const heapGrowth = async (rounds: number, round: (index: number) => void | Promise<void>): Promise<number> => {
  const first = Math.ceil(rounds / 5)
  for (let index = 0; index < first; index++) await round(index)
  const before = heapMebibytes()
  for (let index = first; index < rounds; index++) await round(index)
  return heapMebibytes() - before
}

/** What the caches of a reader may hold. */
export const heapGrowthMax = 24
