import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as IngestId from "../../../../src/domain/events/decode/IngestId.ts"

const sequence = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2 ** 40 - 1 }))
const index = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 20 - 1 }))
const micros = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4e15 }))

/** The parts of an id, read back from its text. */
const parts = (id: string) => {
  const bits = BigInt(`0x${id.replaceAll("-", "")}`)
  const high = (bits >> 64n) & 0xfffn
  const low = bits & (2n ** 62n - 1n)
  return {
    millis: Number(bits >> 80n),
    version: Number((bits >> 76n) & 0xfn),
    variant: Number((bits >> 62n) & 3n),
    sequence: Number((high << 28n) | (low >> 34n)),
    index: Number((low >> 14n) & 0xfffffn)
  }
}

describe("IngestId", () => {
  it.effect.prop(
    "keeps time, sequence and index apart",
    [sequence, index, micros],
    ([sequence, index, micros]) =>
      Effect.sync(() => {
        const id = IngestId.make("events", sequence, micros)(index)

        assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
        assert.deepStrictEqual(parts(id), {
          millis: Math.floor(micros / 1000),
          version: 7,
          variant: 2,
          sequence,
          index
        })
      })
  )

  it("is the same at every delivery and another for another stream", () => {
    assert.strictEqual(IngestId.make("events", 7, 1_000)(0), IngestId.make("events", 7, 1_000)(0))
    assert.notStrictEqual(IngestId.make("events", 7, 1_000)(0), IngestId.make("other", 7, 1_000)(0))
  })
})
