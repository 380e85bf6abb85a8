/** Header blocks, with the examples of RFC 7541. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { HeaderDecoder } from "../../../../../../../src/layers/grpc/internal/client/http2/wire/HeaderDecoder.ts"
import { HeaderEncoder } from "../../../../../../../src/layers/grpc/internal/client/http2/wire/HeaderEncoder.ts"
import * as Huffman from "../../../../../../../src/layers/grpc/internal/client/http2/wire/Huffman.ts"

const listBytesMax = 64 * 1_024

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex")

const decodedAll = (blocks: ReadonlyArray<string>) => {
  const decoder = new HeaderDecoder(listBytesMax)
  return blocks.map((block) => decoder.decode(bytes(block)))
}

const first = [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "www.example.com"]
const second = [...first, "cache-control", "no-cache"]
const third = [
  [":method", "GET", ":scheme", "https", ":path", "/index.html", ":authority", "www.example.com"],
  ["custom-key", "custom-value"]
].flat()

describe("Headers of HTTP/2", () => {
  it("are read as the examples of the standard have them, with and without the Huffman code", () => {
    assert.deepStrictEqual(
      decodedAll([
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65"
      ]),
      [first, second, third]
    )
    assert.deepStrictEqual(
      decodedAll([
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"
      ]),
      [first, second, third]
    )
  })

  it("that hold too much, or are none, are refused", () => {
    const isRead = (hex: string) => decodedAll([hex])[0] !== undefined

    assert.isTrue(isRead("82"))
    // A number of no header, one that has no end, and one that is not there yet.
    assert.deepStrictEqual(["80", "ff ff ff ff ff ff ff ff 7f", "be"].map(isRead), [false, false, false])
    // A text that ends behind the block, a name of nothing, padding with a zero, and of a whole byte.
    assert.deepStrictEqual(["40 0a 61", "40 00 01 61", "00 01 61 81 f0", "00 01 61 82 1f ff"].map(isRead), [
      false,
      false,
      false,
      false
    ])
    // A table larger than it may be, and one that is told of too late.
    assert.deepStrictEqual(["3f e2 1f", "82 20"].map(isRead), [false, false])
    const decoder = new HeaderDecoder(1_000)
    const large = Buffer.concat([bytes("40 01 61 7f 81 01"), Buffer.alloc(256, "x")])
    assert.strictEqual(decoder.decode(large)?.length, 2)
    assert.isUndefined(decoder.decode(bytes("be be be be")))
  })

  it("are read as they were written, also when the peer keeps less of them", () => {
    const name = fc.constantFrom(":path", ":authority", "te", "x-trace", "traceparent", "grpc-timeout", "authorization")
    const value = fc.oneof(
      fc.constantFrom("", "a", "trailers", "30000m"),
      fc.string({ unit: fc.integer({ min: 32, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 300 })
    )
    const block = fc.record({
      headers: fc.dictionary(name, fc.oneof(value, fc.array(value, { maxLength: 3 }))),
      size: fc.option(fc.nat({ max: 8_192 }), { freq: 8 })
    })
    fc.assert(fc.property(fc.array(block, { maxLength: 60 }), (blocks) => {
      const encoder = new HeaderEncoder()
      const decoder = new HeaderDecoder(listBytesMax)
      for (const { headers, size } of blocks) {
        if (size !== null) encoder.resize(size)
        const expected = Object.entries(headers).flatMap(([key, given]) =>
          (Array.isArray(given) ? given : [given]).flatMap((one) => [key, one])
        )
        assert.deepStrictEqual(decoder.decode(Buffer.from(encoder.encode(headers))), expected)
      }
    }))
  })

  it("that come again take a byte each", () => {
    const encoder = new HeaderEncoder()
    const headers = { ":method": "POST", ":scheme": "http", ":path": "/a.Service/Method", te: "trailers" }
    encoder.encode(headers)
    assert.strictEqual(encoder.encode(headers).length, 4)
  })

  it("of any bytes are read or refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (block) => {
        new HeaderDecoder(listBytesMax).decode(block)
        Huffman.decode(block, 0, block.length)
      }),
      { numRuns: 2_000 }
    )
  })
})
