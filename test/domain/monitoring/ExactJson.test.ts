import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as fc from "fast-check"
import * as ExactJson from "../../../src/domain/monitoring/ExactJson.ts"
import * as EnvelopeContents from "../../../src/domain/monitoring/reports/envelope/EnvelopeContents.ts"

describe("ExactJson", () => {
  it("writes as JSON does what has no such number", () => {
    fc.assert(fc.property(fc.json(), (text) => {
      assert.strictEqual(ExactJson.stringify(ExactJson.parse(text)), JSON.stringify(JSON.parse(text)))
    }))
  })

  it("keeps whole numbers of any length, and takes none out of text", () => {
    fc.assert(fc.property(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.string(), (number, text) => {
      const document = `{"a":[${number},{"b":${number}}],"c":${JSON.stringify(`${text}${number}`)},"d":${number}}`
      if (document.includes("\\u0000")) return
      assert.strictEqual(ExactJson.stringify(ExactJson.parse(document)), document)
    }))
  })

  it("keeps them in an envelope whose keys stand in another order", () => {
    const envelope = `{"data":{"v":9007199254740993},"poller_id":"p","agent_id":"a"}`

    assert.deepStrictEqual(EnvelopeContents.open(envelope), Option.some({ data: `{"v":9007199254740993}` }))
  })

  it("refuses what is no JSON", () => {
    for (const text of ["", "{", `{"a":01234567890123456}`, `{"a":12345678901234567x}`]) {
      assert.throws(() => ExactJson.parse(text), SyntaxError)
    }
  })
})
