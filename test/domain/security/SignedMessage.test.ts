import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Hex from "effect/encoding/Hex"
import * as fc from "fast-check"
import * as SignedMessage from "../../../src/domain/security/SignedMessage.ts"

const bytes = fc.uint8Array({ maxLength: 64 })
const unsigned = fc.record({
  payload: bytes,
  sender: fc.string({ unit: "grapheme", maxLength: 20 }),
  timestampSeconds: fc.integer({ min: 0, max: 4_000_000_000 }),
  nonce: fc.uint8Array({ minLength: 16, maxLength: 16 })
})

const message = (change: Partial<SignedMessage.SignedMessage> = {}): SignedMessage.SignedMessage => ({
  payload: new Uint8Array(),
  sender: "poller.serviceradar",
  timestampSeconds: 1_000,
  nonce: new Uint8Array(16),
  signature: new Uint8Array(64),
  ...change
})

const check = (change: Partial<SignedMessage.SignedMessage>, nowSeconds: number) =>
  Result.match(SignedMessage.checkTime(message(change), nowSeconds), {
    onFailure: (error) => error._tag,
    onSuccess: () => "fine"
  })

describe("SignedMessage", () => {
  it("has another encoding for every other message, also when bytes only move from one part to the next", () => {
    fc.assert(fc.property(unsigned, unsigned, (one, other) => {
      fc.pre(JSON.stringify({ ...one }) !== JSON.stringify({ ...other }))
      assert.notDeepEqual(SignedMessage.canonical(one), SignedMessage.canonical(other))
    }))
    const split = (sender: string, payload: string) =>
      SignedMessage.canonical(message({ sender, payload: new TextEncoder().encode(payload) }))
    assert.notDeepEqual(split("ab", "c"), split("a", "bc"))
  })

  it("has the encoding that the other end has: parts with their length, the time in 64 bits", () => {
    const { canonical } = SignedMessage
    const one = { payload: Uint8Array.of(1, 2, 3), sender: "ü€😀", nonce: new Uint8Array(16).fill(7) }
    assert.strictEqual(
      Hex.encode(canonical({ ...one, timestampSeconds: 1_764_400_000 })),
      [
        "0000001d7365727669636572616461722d7369676e65642d6d6573736167652d31",
        "00000009c3bce282acf09f9880",
        "0000000800000000692a9b80",
        "0000001007070707070707070707070707070707",
        "00000003010203"
      ].join("")
    )
    fc.assert(fc.property(fc.maxSafeInteger(), (timestampSeconds) => {
      const bytes = canonical({ ...one, timestampSeconds })
      assert.strictEqual(new DataView(bytes.buffer).getBigInt64(33 + 13 + 4), BigInt(timestampSeconds))
    }))
  })

  it("is valid from a little before its time until 300 s after it", () => {
    assert.deepStrictEqual(
      [994, 995, 1_000, 1_300, 1_301].map((now) => check({}, now)),
      ["FromTheFuture", "fine", "fine", "fine", "TooOld"]
    )
  })

  it("must have a sender, a nonce of 16 bytes and whole seconds", () => {
    assert.deepStrictEqual(
      [{ sender: "" }, { nonce: new Uint8Array(15) }, { timestampSeconds: 1.5 }, { timestampSeconds: NaN }].map((
        change
      ) => check(change, 1_000)),
      ["MalformedMessage", "MalformedMessage", "MalformedMessage", "MalformedMessage"]
    )
  })
})
