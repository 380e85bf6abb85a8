import { assert, describe, it } from "@effect/vitest"
import { Option, Result } from "effect"
import * as fc from "fast-check"
import * as Frames from "../../../../src/layers/grpc/internal/Frames.ts"

const frames = fc.array(fc.record({ isCompressed: fc.boolean(), bytes: fc.uint8Array({ maxLength: 40 }) }), {
  maxLength: 12
})

describe("FrameDecoder", () => {
  it("reads back what was framed, however the bytes are cut on their way", () => {
    fc.assert(fc.property(frames, fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), (given, cuts) => {
      const wire = Buffer.concat(given.map(({ bytes, isCompressed }) => Frames.encode(bytes, isCompressed)))
      const decoder = new Frames.FrameDecoder(1_000)
      const read: Array<{ readonly isCompressed: boolean; readonly bytes: ReadonlyArray<number> }> = []
      for (let at = 0, turn = 0; at < wire.length; turn += 1) {
        const length = cuts[turn % cuts.length] ?? 1
        decoder.push(wire.subarray(at, at + length))
        at += length
        while (true) {
          const next = Result.getOrThrow(decoder.next())
          if (Option.isNone(next)) break
          read.push({ isCompressed: next.value.isCompressed, bytes: [...next.value.bytes] })
        }
      }

      assert.deepStrictEqual(read, given.map(({ bytes, isCompressed }) => ({ isCompressed, bytes: [...bytes] })))
      assert.isFalse(decoder.isMidFrame)
    }))
  })

  it("reads back long frames too, also from a buffer that is filled again", () => {
    const lengths = fc.array(fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 65_530, max: 300_000 })), {
      minLength: 1,
      maxLength: 4
    })
    const cuts = fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(lengths, cuts, fc.boolean(), (lengths, cuts, isLent) => {
        const given = lengths.map((length, index) => Buffer.alloc(length, `${index}${length}:`))
        const wire = Buffer.concat(given.map((bytes) => Frames.encode(bytes, false)))
        const decoder = new Frames.FrameDecoder(1_000_000)
        const lent = Buffer.alloc(70_000)
        const read: Array<Buffer> = []
        for (let at = 0, turn = 0; at < wire.length; turn += 1) {
          const part = wire.subarray(at, at + (cuts[turn % cuts.length] ?? 1))
          at += part.length
          decoder.push(isLent ? lent.subarray(0, part.copy(lent)) : part, isLent)
          while (true) {
            const next = Result.getOrThrow(decoder.next())
            if (Option.isNone(next)) break
            read.push(next.value.bytes)
          }
        }

        assert.strictEqual(read.length, given.length)
        assert.isTrue(read.every((bytes, index) => bytes.equals(given[index] ?? Buffer.alloc(0))))
        assert.isFalse(decoder.isMidFrame)
      }),
      { numRuns: 40 }
    )
  })

  it("refuses a frame that is too long by its head alone, and a flag that nobody defined", () => {
    const long = new Frames.FrameDecoder(10)
    long.push(Frames.encode(new Uint8Array(11), false).subarray(0, 5))
    const odd = new Frames.FrameDecoder(10)
    odd.push(Buffer.from([2, 0, 0, 0, 0]))

    const errors = [long.next(), odd.next()].map((result) => Result.isFailure(result) ? result.failure._tag : "")
    assert.deepStrictEqual(errors, ["ResourceExhausted", "Internal"])
  })
})
