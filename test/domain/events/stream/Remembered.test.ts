import { assert, describe, it } from "@effect/vitest"
import * as Remembered from "../../../../src/domain/events/stream/Remembered.ts"

/** How often a function is really asked. */
const counted = (answer: (text: string) => string | undefined) => {
  const asked: Array<string> = []
  const ask = Remembered.make((text) => {
    asked.push(text)
    return answer(text)
  })
  return { ask, asked }
}

describe("Remembered", () => {
  it("asks once for what it remembers", () => {
    const { ask, asked } = counted((text) => text.toUpperCase())

    assert.deepStrictEqual([ask("a"), ask("b"), ask("a")], ["A", "B", "A"])
    assert.deepStrictEqual(asked, ["a", "b"])
  })

  it("remembers no more than 1,000 texts, none that is long, and not that there is no answer", () => {
    const { ask, asked } = counted((text) => text === "none" ? undefined : text)
    const long = "x".repeat(257)
    for (const text of ["none", long, "none", long]) assert.strictEqual(ask(text), text === "none" ? undefined : long)
    assert.lengthOf(asked, 4)

    for (let at = 0; at < 1_001; at++) ask(String(at))
    asked.length = 0
    assert.strictEqual(ask("999"), "999")
    assert.strictEqual(ask("1000"), "1000")
    assert.deepStrictEqual(asked, ["1000"])
  })
})
