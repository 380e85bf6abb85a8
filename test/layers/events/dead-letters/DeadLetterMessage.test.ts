import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as fc from "fast-check"
import type { DeadLetter } from "../../../../src/domain/events/stream/DeadLetter.ts"
import { streamNames } from "../../../../src/domain/events/stream/Streams.ts"
import * as DeadLetterMessage from "../../../../src/layers/events/dead-letters/DeadLetterMessage.ts"

const text = fc.string({ unit: "binary", maxLength: 40 })
const letter: fc.Arbitrary<Omit<DeadLetter, "id">> = fc.record({
  stream: fc.constantFrom(...streamNames, "" as const),
  subject: fc.constantFrom("logs.syslog", "otel.traces"),
  jetStream: fc.constantFrom("events", "KV_x", "ä$b"),
  sequence: fc.nat(),
  storedAtMicros: fc.nat(),
  deliveries: fc.integer({ min: 1, max: 1_000 }),
  failure: fc.record({
    reason: fc.constantFrom("decode" as const, "rejected" as const, "exhausted" as const),
    error: text,
    place: text
  }),
  deadLetteredAtMillis: fc.nat(),
  data: fc.uint8Array({ maxLength: 12_000 }),
  headers: fc.array(fc.tuple(fc.constantFrom("X-A", "x-a", "Nats-Msg-Id"), text), { maxLength: 4 }),
  element: fc.option(fc.nat(), { nil: undefined })
}).map(({ element, ...letter }) => ({
  ...letter,
  ...(element === undefined ? {} : { element }),
  bytes: letter.data.length
}))

const payloadMax = 8_192
const sizeOf = ({ data, headers }: DeadLetterMessage.LetterPart): number =>
  headers.reduce((sum, [name, value]) => sum + new TextEncoder().encode(`${name}: ${value}\r\n`).length, data.length)

describe("DeadLetterMessage", () => {
  it("gives back the whole letter from messages that the server takes", () => {
    fc.assert(
      fc.property(letter, (letter) => {
        const encoded = DeadLetterMessage.encode(letter, payloadMax)
        const summary = DeadLetterMessage.summaryOf(encoded.letter.headers)
        if (Option.isNone(summary)) return assert.fail("no letter")
        const { parts, headerBytes: _, id, ...rest } = summary.value
        const original = DeadLetterMessage.originalOf(
          summary.value,
          encoded.letter,
          encoded.parts.map(({ data }) => data)
        )
        const { data, headers, ...expected } = letter

        assert.deepStrictEqual(rest, expected)
        assert.deepStrictEqual(Option.map(original, ({ headers }) => headers), Option.some(headers))
        assert.isTrue(Option.exists(original, (original) => Buffer.compare(original.data, data) === 0))
        assert.deepStrictEqual(DeadLetterMessage.subjectOf(id), Option.some(encoded.letter.subject))
        assert.strictEqual(encoded.parts.length, parts)
        assert.isTrue([...encoded.parts, encoded.letter].every((part) => sizeOf(part) <= payloadMax))
        // As they are sent: headers are lines.
        assert.isTrue(encoded.letter.headers.every(([, value]) => !/[\r\n]/.test(value) && value.trim() === value))
      }),
      { numRuns: 500 }
    )
  })

  it("says that the original is not whole when a part is missing", () => {
    const [letterWithParts] = fc.sample(letter, { seed: 1, numRuns: 1 })
    if (letterWithParts === undefined) return assert.fail("no sample")
    const large = { ...letterWithParts, data: new Uint8Array(20_000), bytes: 20_000 }
    const encoded = DeadLetterMessage.encode(large, payloadMax)
    const summary = Option.getOrThrow(DeadLetterMessage.summaryOf(encoded.letter.headers))

    assert.isTrue(encoded.parts.length > 1)
    assert.isTrue(Option.isNone(DeadLetterMessage.originalOf(summary, encoded.letter, [])))
  })

  it.each([
    "",
    "LOGS.events.1",
    "LOGS.>.1.2",
    "LOGS.*.1.2",
    "LOGS.events.1.2.3.4",
    "LOGS.events.a.2",
    " LOGS.events.1.2"
  ])(
    "takes %j for no id",
    (id) => {
      assert.isTrue(Option.isNone(DeadLetterMessage.subjectOf(id)))
    }
  )
})
