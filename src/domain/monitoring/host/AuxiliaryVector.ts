/**
 * Reads Linux's `/proc/self/auxv`: what the kernel told this program at its start.
 *
 * Pairs of machine words, so size and order of their bytes depend on the machine; see getauxval(3).
 */

export interface KernelUnits {
  readonly pageBytes: number
  readonly ticksPerSecond: number
}

export interface WordFormat {
  readonly bytes: 4 | 8
  readonly isLittleEndian: boolean
}

const pageSizeKey = 6
const clockTicksKey = 17

/** Of nearly every kernel; taken when the vector cannot be read. */
export const usualUnits: KernelUnits = { pageBytes: 4096, ticksPerSecond: 100 }

export const parse = (vector: Uint8Array, { bytes, isLittleEndian }: WordFormat): KernelUnits => {
  const view = new DataView(vector.buffer, vector.byteOffset, vector.byteLength)
  const wordAt = (at: number): number =>
    bytes === 8 ? Number(view.getBigUint64(at, isLittleEndian)) : view.getUint32(at, isLittleEndian)
  const values = new Map<number, number>()
  for (let at = 0; at + 2 * bytes <= vector.byteLength; at += 2 * bytes) values.set(wordAt(at), wordAt(at + bytes))
  const plausible = (key: number, max: number, otherwise: number): number => {
    const value = values.get(key) ?? 0
    return value > 0 && value <= max ? value : otherwise
  }
  return {
    pageBytes: plausible(pageSizeKey, 1 << 20, usualUnits.pageBytes),
    ticksPerSecond: plausible(clockTicksKey, 10_000, usualUnits.ticksPerSecond)
  }
}
