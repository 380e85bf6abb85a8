import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { ByteWriter } from "../../../src/domain/security/ByteWriter.ts"

const parts = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 3_000 }),
    fc.string({ unit: "binary", maxLength: 1_000 }),
    fc.nat({ max: 2 ** 32 - 1 }).map((value) => ({ value }))
  ),
  { maxLength: 8 }
)

const uint32 = (value: number): ReadonlyArray<number> => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return [...bytes]
}

const withLength = (bytes: Uint8Array): ReadonlyArray<number> => [...uint32(bytes.length), ...bytes]

describe("ByteWriter", () => {
  it("writes what was given and nothing of what was written before", () => {
    const writer = new ByteWriter()
    fc.assert(fc.property(parts, (given) => {
      writer.start()
      const expected = given.flatMap((part) => {
        if (part instanceof Uint8Array) {
          writer.part(part)
          return withLength(part)
        }
        if (typeof part === "string") {
          writer.text(part)
          return withLength(new TextEncoder().encode(part))
        }
        writer.uint32(part.value)
        return uint32(part.value)
      })
      assert.deepStrictEqual([...writer.written()], expected)
    }))
  })

  it("gives the room for a large message back", () => {
    const writer = new ByteWriter()
    writer.bytes(new Uint8Array(10_000_000))
    assert.strictEqual(writer.written().length, 10_000_000)
    assert.isAtMost(writer.start().byte(1).written().buffer.byteLength, 65_536)
  })
})
