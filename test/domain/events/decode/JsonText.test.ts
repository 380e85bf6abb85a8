import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import * as JsonText from "../../../../src/domain/events/decode/JsonText.ts"

/** What a number of JSON is to become, by the digits themselves. */
const right = (digits: string): string | number =>
  /[.eE]/.test(digits) && Number.isFinite(Number(digits)) || Number.isSafeInteger(Number(digits))
    ? Number(digits)
    : digits

const digits = fc.oneof(
  fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }).map(String),
  fc.integer().map(String),
  fc.tuple(fc.integer(), fc.nat({ max: 10 ** 9 }), fc.nat({ max: 999 })).map(([whole, part, power]) =>
    `${whole}.${part}e${power}`
  ),
  fc.tuple(fc.nat(), fc.stringMatching(/^\d{1,30}$/)).map(([whole, part]) => `${whole}.${part}`)
)

/** Strings that look like JSON, numbers and keys. */
const word = fc.oneof(
  fc.string(),
  fc.stringMatching(/^[:,[\]{} "\\-]{0,4}\d{14,20}[:,[\]{} "\\]{0,4}$/),
  fc.stringMatching(/^[a-z_]{0,12}$/),
  fc.constantFrom(":1795901813525123457", "\":1795901813525123457,\"", "a\\\":1795901813525123457", "true", "1e400")
)

interface Written {
  readonly text: string
  readonly value: unknown
}

const { value: written } = fc.letrec<{ value: Written; list: Written; object: Written }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    digits.map((text) => ({ text, value: right(text) })),
    word.map((value) => ({ text: JSON.stringify(value), value })),
    fc.constantFrom(true, false, null).map((value) => ({ text: String(value), value })),
    tie("list"),
    tie("object")
  ),
  list: fc.tuple(fc.array(tie("value"), { maxLength: 6 }), fc.constantFrom("", " ", "\n\t")).map(([items, blank]) => ({
    text: `[${blank}${items.map(({ text }) => text).join(`${blank},${blank}`)}${blank}]`,
    value: items.map(({ value }) => value)
  })),
  object: fc.tuple(
    fc.uniqueArray(fc.tuple(word, tie("value")), { maxLength: 6, selector: ([key]) => key }),
    fc.constantFrom("", " ")
  ).map(([members, blank]) => ({
    text: `{${members.map(([key, { text }]) => `${JSON.stringify(key)}${blank}:${blank}${text}`).join(",")}}`,
    value: Object.fromEntries(members.map(([key, { value }]) => [key, value]))
  }))
}))

describe("JsonText", () => {
  it("keeps every digit of every number and touches nothing else, whatever looks like a number in strings and keys", () => {
    fc.assert(
      fc.property(written, ({ text, value }) => {
        assert.deepStrictEqual(JSON.parse(Result.getOrThrow(JsonText.fit(text))), value)
      }),
      { numRuns: 2_000 }
    )
  })

  it.each([
    [`{"time_unix_nano":1795901813525123457}`, `{"time_unix_nano":"1795901813525123457"}`],
    [`{"ts":1795901813525123457}`, `{"ts":"1795901813525123457"}`],
    [`{"a":":1795901813525123457"}`, `{"a":":1795901813525123457"}`],
    [`{"a_b":":1795901813525123457,"}`, `{"a_b":":1795901813525123457,"}`],
    [`{"a":"\\":1795901813525123457,"}`, `{"a":"\\":1795901813525123457,"}`],
    [`{"a":true,":1795901813525123457":1}`, `{"a":true,":1795901813525123457":1}`],
    [`[-9007199254740993,9007199254740991]`, `["-9007199254740993",9007199254740991]`],
    [`{"id":"1795901813525123457"}`, `{"id":"1795901813525123457"}`],
    [`{"value_1":0.12345678901234567890}`, `{"value_1":0.12345678901234567890}`],
    [`{"large":1e400}`, `{"large":"1e400"}`],
    [`9007199254740993`, `"9007199254740993"`]
  ])("makes of %s %s", (text, expected) => {
    assert.deepStrictEqual(JsonText.fit(text), Result.succeed(expected))
  })
})
