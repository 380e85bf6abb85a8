import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as PrintableText from "../../../src/domain/config/PrintableText.ts"

/** Spaces, letters, and what has no place in a line. */
const Characters = Schema.Array(
  Schema.Literals([" ", "  ", "a", "~", "é", "\n", "\t", "\u0000", "\u001b", "\u007f", "\u0085", "\u202e", "\ud800"])
)

describe("PrintableText", () => {
  it.each([
    ["plain text, as it is", "plain text, as it is"],
    ["two  spaces\tand\r\nlines", "two spaces and lines"],
    ["\u001b[31mred\u0007", "[31mred"],
    ["turned \u202e round", "turned  round"],
    ["half \ud800", "half "]
  ])("makes one line of %j", (text, line) => {
    assert.strictEqual(PrintableText.oneLine(text), line)
  })

  it.effect.prop(
    "leaves nothing that steers a terminal, and a line as it is",
    [Characters],
    ([characters]) =>
      Effect.sync(() => {
        const line = PrintableText.oneLine(characters.join(""))

        assert.notMatch(line, /[\p{Cc}\p{Cf}\p{Cs}]/u)
        assert.strictEqual(line.replaceAll(" ", ""), characters.filter((one) => /[a~é]/.test(one)).join(""))
      })
  )

  it("writes JSON that steers no terminal and is the same JSON", () => {
    const value = { banner: "\u009b31m\u007f\u202e\u001b[2J", all: ["a b", 1, null] }
    const text = PrintableText.json(value)

    // oxlint-disable-next-line no-control-regex
    assert.notMatch(text, /[\u0000-\u001f\u007f-\u009f\u202e]/)
    assert.deepStrictEqual(JSON.parse(text), value)
    assert.strictEqual(PrintableText.json(undefined), "null")
  })
})
