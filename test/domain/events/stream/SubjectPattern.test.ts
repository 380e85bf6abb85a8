import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as SubjectPattern from "../../../../src/domain/events/stream/SubjectPattern.ts"

const token = fc.constantFrom("a", "b", "c")
const subject = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join("."))
const pattern = fc.tuple(
  fc.array(fc.oneof(token, fc.constant("*")), { maxLength: 3 }),
  fc.oneof(token, fc.constantFrom(">", "*"))
)
  .map(([front, last]) => [...front, last].join("."))

/** As the server has it, by another way: a regular expression. */
const matches = (filter: string, text: string): boolean =>
  new RegExp(`^${filter.replaceAll(".", "\\.").replaceAll("*", "[^.]+").replace(/>$/, ".+")}$`).test(text)

describe("SubjectPattern", () => {
  it.each([
    ["logs.>", "logs.syslog", "logs.syslog"],
    ["logs.>", "logs", undefined],
    ["*.logs.>", "events.>", "events.logs.>"],
    ["*", "a", "a"],
    [">", "a.*", "a.*"],
    ["a.*.c", "a.b.*", "a.b.c"],
    ["a.*", "a.b.c", undefined]
  ])("intersects %s with %s to %s", (left, right, expected) => {
    assert.strictEqual(SubjectPattern.intersect(left, right), expected)
    assert.strictEqual(SubjectPattern.intersect(right, left), expected)
  })

  it("matches with an intersection what both patterns match", () => {
    fc.assert(
      fc.property(pattern, pattern, subject, (left, right, text) => {
        const both = SubjectPattern.intersect(left, right)
        assert.strictEqual(both !== undefined && matches(both, text), matches(left, text) && matches(right, text))
      }),
      { numRuns: 5_000 }
    )
  })

  it("covers a subject when it matches it", () => {
    fc.assert(
      fc.property(pattern, subject, (filter, text) => {
        assert.strictEqual(SubjectPattern.covers(filter, text), matches(filter, text))
      }),
      { numRuns: 2_000 }
    )
  })

  it("keeps, without what others cover, everything that was matched", () => {
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 5 }), subject, (patterns, text) => {
        const some = SubjectPattern.minimal(patterns)
        assert.strictEqual(some.some((one) => matches(one, text)), patterns.some((one) => matches(one, text)))
        assert.isTrue(some.length <= patterns.length)
      }),
      { numRuns: 2_000 }
    )
  })
})
