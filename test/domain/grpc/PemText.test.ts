import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as PemText from "../../../src/domain/grpc/PemText.ts"

const base64 = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString("base64"))
const label = fc.constantFrom("CERTIFICATE", "EC PRIVATE KEY", "X509 CRL")
const block = fc.tuple(label, base64).map(([name, body]) => ({
  label: name,
  text: `-----BEGIN ${name}-----\n${body}\n-----END ${name}-----`
}))
/** What people write around them. */
const prose = fc.constantFrom("", "\n", "subject=CN = a - b\n", "\r\n", "# -- the root --\n")

describe("PemText", () => {
  it("finds every block in its order, whatever stands around them", () => {
    fc.assert(fc.property(fc.array(fc.tuple(prose, block), { minLength: 1, maxLength: 5 }), prose, (parts, end) => {
      const text = parts.map(([before, one]) => `${before}${one.text}`).join("\n") + end

      assert.deepStrictEqual(PemText.blocksOf(text), parts.map(([, one]) => one))
      assert.isUndefined(PemText.troubleOf(text))
    }))
  })

  it("finds trouble in any text of blocks that lacks its end", () => {
    fc.assert(fc.property(
      fc.array(block, { maxLength: 3 }),
      block,
      fc.nat(),
      (before, last, at) => {
        // The first line stays, so that something has begun; of the last line something is missing.
        const from = last.text.indexOf("\n")
        const cut = last.text.slice(0, from + at % (last.text.length - from))
        const text = [...before.map((one) => one.text), cut].join("\n")

        assert.include(PemText.troubleOf(text), "ends within a PEM block")
      }
    ))
  })

  it("takes time in proportion to the text, also where blocks only begin", () => {
    const started = performance.now()
    PemText.troubleOf("-----BEGIN CERTIFICATE-----\n".repeat(30_000))
    PemText.troubleOf(`-----BEGIN CERTIFICATE-----\n${"A".repeat(1_000_000)}`)

    assert.isBelow(performance.now() - started, 2_000)
  })
})
