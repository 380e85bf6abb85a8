import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { NotFound } from "../../../../src/layers/grpc/GrpcError.ts"
import * as GrpcStatus from "../../../../src/layers/grpc/internal/server/GrpcStatus.ts"

describe("GrpcStatus", () => {
  it("writes any detail so that a peer reads the same, in printable ASCII", () => {
    fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (detail) => {
      const encoded = GrpcStatus.encodeDetail(detail)

      assert.match(encoded, /^(?:[!-~](?:[ -~]*[!-~])?)?$/)
      assert.strictEqual(decodeURIComponent(encoded), Buffer.from(detail).toString())
    }))
  })

  it.each([[" has no role", "%20has no role"], ["a b ", "a b%20"], ["  ", "%20%20"], [" ", "%20"]])(
    "writes %j without a space at either end, which HTTP/2 does not carry",
    (detail, expected) => {
      assert.strictEqual(GrpcStatus.encodeDetail(detail), expected)
    }
  )

  it("cuts a long detail between two characters and says how long it was", () => {
    const encoded = GrpcStatus.encodeDetail("é".repeat(100_000))

    assert.isBelow(encoded.length, 2_100)
    assert.match(decodeURIComponent(encoded), /^é+\.\.\. \(100000 characters in all\)$/)
  })

  it("leaves out trailers that would break the connection", () => {
    const headers = GrpcStatus.failed(new NotFound({ detail: "d", trailers: { big: ["x".repeat(10_000)] } }))

    assert.deepStrictEqual(headers, { "grpc-status": "5", "grpc-message": "d" })
  })
})
