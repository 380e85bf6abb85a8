import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as Style from "../../../../src/layers/terminal/Style.ts"
import * as Answer from "../../../../src/programs/cli/srql/Answer.ts"
import * as Buckets from "../../../../src/programs/cli/srql/Buckets.ts"

const read = (results: string, more = "") =>
  Option.getOrThrow(Answer.read(`{"results":[${results}],"pagination":{"next_cursor":null}${more}}`))

describe("An answer in SRQL", () => {
  it("has the columns of all rows, in their order", () => {
    const { columns, rows } = read("{\"a\":1,\"b\":null},{\"a\":2,\"c\":\"x\"}")

    assert.deepStrictEqual(columns, ["a", "b", "c"])
    assert.deepStrictEqual(rows, [[1, null, undefined], [2, undefined, "x"]])
  })

  it("is CSV with every digit, quotes, line breaks and documents", () => {
    const text = Answer.csv(read("{\"n\":9223372036854775807,\"t\":\"a \\\"b\\\",\\n\",\"d\":{\"k\":[1]},\"e\":null}"))

    assert.strictEqual(text, "n,t,d,e\r\n9223372036854775807,\"a \"\"b\"\",\n\",\"{\"\"k\"\":[1]}\",\r\n")
  })

  it("is a table without the columns that are empty, and harmless to a terminal", () => {
    const text = Answer.table(
      read("{\"host\":\"h\\u001b[31m\",\"none\":null,\"n\":9223372036854775807}"),
      Style.plain,
      80
    )

    assert.notInclude(text, "\u001b")
    assert.match(text, /^host\S* +n\n/)
    assert.include(text, "9223372036854775807")
  })

  it("may be a bare count", () => {
    assert.strictEqual(Answer.csv(read("42")), "value\r\n42\r\n")
  })

  it("is none where somebody else answered", () => {
    for (const body of ["", "<html>", "[]", "{\"results\":1}"]) assert.isTrue(Option.isNone(Answer.read(body)), body)
  })

  it("to buckets is a line over time for each series, with a blank where a series has none", () => {
    const answer = read(
      [
        ["12:00", "a", "1"],
        ["12:00", "b\\u001b", "9223372036854775807"],
        ["12:05", "a", "\"3.5\""],
        ["12:10", "a", "8"],
        ["12:10", "b\\u001b", "0"]
      ].map(([time, series, value]) => `{"timestamp":"${time}","series":"${series}","value":${value}}`).join()
    )
    const lines = Buckets.draw(answer, Style.plain, 80).split("\n")

    assert.isTrue(Buckets.isOf(answer))
    assert.isFalse(Buckets.isOf(read("{\"timestamp\":1}")))
    assert.strictEqual(lines[0], "12:00 to 12:10, 3 buckets")
    assert.match(lines[1] ?? "", /^a +▁▃█ 1 to 8, last 8$/)
    assert.match(lines[2] ?? "", /^b\S* +█ ▁ 0 to 9,223,372,036,854,77\d,\d+, last 0$/)
    assert.notInclude(lines.join(), "\u001b")
  })
})
