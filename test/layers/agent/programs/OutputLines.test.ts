import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as OutputLines from "../../../../src/layers/agent/programs/OutputLines.ts"

const lines = (parts: ReadonlyArray<Buffer>, now = () => 0) => {
  const told: Array<string> = []
  const output = OutputLines.make((line) => told.push(line), now)
  for (const part of parts) output.add(part)
  output.end()
  return told
}

describe("What a program prints", () => {
  it("is told line by line, however it comes in pieces, the last one too", () => {
    const word = fc.stringMatching(/^[a-zà-ü€]{1,20}$/)
    fc.assert(fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), fc.array(fc.nat(400)), (words, cuts) => {
      const bytes = Buffer.from(words.join("\n"))
      const at = [0, ...cuts.filter((cut) => cut < bytes.length).toSorted((one, other) => one - other), bytes.length]
      assert.deepStrictEqual(lines(at.slice(1).map((end, index) => bytes.subarray(at[index], end))), words)
    }))
  })

  it("is cut where a line has no end, and keeps nothing of what is cut", () => {
    const [line = "", ...others] = lines(Array.from({ length: 100 }, () => Buffer.alloc(1_000, "x")))
    assert.deepStrictEqual(others, [])
    assert.strictEqual(line, `${"x".repeat(2_000)}…`)
  })

  it("is counted only where it is a flood, and told again later", () => {
    let now = 0
    const told: Array<string> = []
    const output = OutputLines.make((line) => told.push(line), () => now)
    output.add(Buffer.from("flood\n".repeat(1_000)))
    assert.strictEqual(told.length, 100)
    now = 10_000
    output.add(Buffer.from("calm\n"))
    assert.deepStrictEqual(told.slice(100), ["(and 900 more lines within 10 s, which are not shown)", "calm"])
  })

  it("has no control characters, which a terminal would obey", () => {
    assert.deepStrictEqual(lines([Buffer.from("\u001b[2Jgone\ttab\r\n")]), ["�[2Jgone\ttab"])
  })
})
