import { assert, describe, it } from "@effect/vitest"
import * as AuxiliaryVector from "../../../../src/domain/monitoring/host/AuxiliaryVector.ts"

const words64 = (...words: ReadonlyArray<number>): Uint8Array =>
  new Uint8Array(BigUint64Array.from(words, BigInt).buffer)

const wide = { bytes: 8, isLittleEndian: true } as const

describe("AuxiliaryVector", () => {
  it("reads page size and clock ticks", () =>
    assert.deepStrictEqual(AuxiliaryVector.parse(words64(33, 5, 6, 65_536, 17, 250, 0, 0), wide), {
      pageBytes: 65_536,
      ticksPerSecond: 250
    }))

  it("reads words of 32 bits in the order of the machine", () => {
    const vector = new Uint8Array([0, 0, 0, 6, 0, 0, 0x10, 0, 0, 0, 0, 17, 0, 0, 0, 100])

    assert.deepStrictEqual(
      AuxiliaryVector.parse(vector, { bytes: 4, isLittleEndian: false }),
      AuxiliaryVector.usualUnits
    )
  })

  it("takes the usual values for what is missing, cut off or out of reason", () => {
    assert.deepStrictEqual(AuxiliaryVector.parse(new Uint8Array(0), wide), AuxiliaryVector.usualUnits)
    assert.deepStrictEqual(AuxiliaryVector.parse(new Uint8Array(13).fill(255), wide), AuxiliaryVector.usualUnits)
    assert.deepStrictEqual(AuxiliaryVector.parse(words64(6, 0, 17, 2 ** 40), wide), AuxiliaryVector.usualUnits)
  })
})
