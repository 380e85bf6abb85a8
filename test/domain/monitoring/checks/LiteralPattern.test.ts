import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as LiteralPattern from "../../../../src/domain/monitoring/checks/LiteralPattern.ts"

/** Of few characters, so that texts often hold what is looked for. */
const pieces = [
  "a",
  "b",
  " ",
  "\n",
  "é",
  "-",
  "/",
  "^",
  "$",
  ".",
  "*",
  "[",
  "(",
  "|",
  "\\.",
  "\\^",
  "\\$",
  "\\\\",
  "\\-",
  "\\d"
]
const Pieces = Schema.Array(Schema.Literals(pieces)).check(Schema.isMaxLength(6))
const Text = Schema.Array(Schema.Literals(["a", "b", " ", "\n", "é", "-", "/", "^", "$", ".", "\\", "1"])).check(
  Schema.isMaxLength(8)
)

const expressionOf = (pattern: string): RegExp | undefined => {
  try {
    return new RegExp(pattern)
  } catch {
    return undefined
  }
}

describe("LiteralPattern", () => {
  it.prop("says the same as the expression of every one that it takes", [Pieces, Text], ([parts, characters]) => {
    const [pattern, text] = [parts.join(""), characters.join("")]
    const literal = LiteralPattern.of(pattern)
    if (literal === undefined) return
    assert.strictEqual(LiteralPattern.matches(literal, text), expressionOf(pattern)?.test(text))
  }, { arbitrary: { runs: 3_000 } })

  for (const pattern of ["220", "^220 ", "ready$", "^\\+PONG", "^$", "", "a\\.b", "^é$", "50%, <title>"]) {
    it(`takes ${JSON.stringify(pattern)}`, () => {
      assert.isDefined(LiteralPattern.of(pattern))
    })
  }

  for (const pattern of ["2.0", "a*", "(a)", "[ab]", "a|b", "\\d", "\\bword", "a{2}", "a^b", "$a", "\\", "a\\n"]) {
    it(`leaves ${JSON.stringify(pattern)} to a matcher`, () => {
      assert.isUndefined(LiteralPattern.of(pattern))
    })
  }
})
