/** That libsodium and node:crypto sign the same, take what the other has signed, and refuse the same changes. */
import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as fc from "fast-check"
import * as crypto from "node:crypto"
import * as Ed25519 from "../../../../src/layers/security/signing/Ed25519.ts"

const sodium = Option.getOrThrow(Ed25519.libsodium())
const both = [sodium, Ed25519.node]

/** The fixed start of a PKCS #8 document of an Ed25519 key (RFC 8410): the seed follows. */
const pkcs8 = Buffer.from("302e020100300506032b657004220420", "hex")

const keysOf = (seed: Uint8Array) => {
  const privateKey = crypto.createPrivateKey({ key: Buffer.concat([pkcs8, seed]), format: "der", type: "pkcs8" })
  return { privateKey, publicKey: crypto.createPublicKey(privateKey) }
}

const keyAt = (point: Uint8Array) =>
  crypto.createPublicKey({
    key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(point).toString("base64url") },
    format: "jwk"
  })

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 })
const messages = fc.uint8Array({ maxLength: 2_000 })
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")

const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
  const changed = Uint8Array.from(bytes)
  changed.set([(bytes[bit >> 3] ?? 0) ^ 1 << (bit & 7)], bit >> 3)
  return changed
}

/** All points of order 1, 2, 4 and 8, and those of them that can be written in a second, not canonical way. */
const smallOrder = [
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "0100000000000000000000000000000000000000000000000000000000000080",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
]

describe("Ed25519", () => {
  it("is libsodium's where the package is installed, decided once", () => {
    assert.strictEqual(Ed25519.best().name, "libsodium")
    assert.strictEqual(Ed25519.best(), Ed25519.best())
  })

  it("is node:crypto's where the package is missing, or is another", () => {
    assert.isTrue(Option.isNone(Ed25519.libsodium("no-such-package-as-this")))
    assert.isTrue(Option.isNone(Ed25519.libsodium("csv-parse")))
  })

  it("signs as RFC 8032, 7.1, TEST 2 has it", () => {
    const { privateKey } = keysOf(
      Buffer.from("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "hex")
    )
    for (const { signWith } of both) {
      assert.strictEqual(
        hex(signWith(privateKey)(Uint8Array.of(0x72))),
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
      )
    }
  })

  it("makes the same signature either way, and each takes the other's", () => {
    fc.assert(fc.property(seeds, messages, (seed, message) => {
      const { privateKey, publicKey } = keysOf(seed)
      const signatures = both.map(({ signWith }) => signWith(privateKey)(message))
      assert.strictEqual(new Set(signatures.map(hex)).size, 1)
      for (const { verifyWith } of both) {
        for (const signature of signatures) assert.isTrue(verifyWith(publicKey)(message, signature))
      }
    }))
  })

  it("is refused either way with any bit of message, signature or key changed, and of any other length", () => {
    fc.assert(
      fc.property(seeds, fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat(), (seed, message, at) => {
        const { privateKey, publicKey } = keysOf(seed)
        const signature = sodium.signWith(privateKey)(message)
        const point = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url")
        for (const { name, verifyWith } of both) {
          const verify = verifyWith(publicKey)
          assert.isFalse(verify(flipped(message, at % (8 * message.length)), signature), name)
          assert.isFalse(verify(message, flipped(signature, at % 512)), name)
          assert.isFalse(verifyWith(keyAt(flipped(point, at % 256)))(message, signature), name)
          assert.isFalse(verify(message, signature.subarray(0, at % 64)), name)
          assert.isFalse(verify(message, Buffer.concat([signature, Uint8Array.of(0)])), name)
        }
      }),
      { numRuns: 200 }
    )
  })

  it("is refused either way when the second half is not below the order of the curve", () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n
    fc.assert(fc.property(seeds, messages, (seed, message) => {
      const { privateKey, publicKey } = keysOf(seed)
      const signature = sodium.signWith(privateKey)(message)
      const half = BigInt(`0x${hex(signature.slice(32).toReversed())}`) + order
      const moved = Buffer.from(half.toString(16).padStart(64, "0"), "hex").toReversed()
      const malleable = Buffer.concat([signature.subarray(0, 32), moved])
      for (const { name, verifyWith } of both) assert.isFalse(verifyWith(publicKey)(message, malleable), name)
    }))
  })

  it("of a key of small order, which would fit many messages, is refused by libsodium whatever its form", () => {
    const points = smallOrder.map((text) => Buffer.from(text, "hex"))
    for (const point of points) {
      const verify = sodium.verifyWith(keyAt(point))
      for (const half of points) {
        // Without a check of the order every eighth message fits, if not each.
        for (let byte = 0; byte < 32; byte++) {
          assert.isFalse(verify(Uint8Array.of(byte), Buffer.concat([half, new Uint8Array(32)])), hex(point))
        }
      }
    }
  })
})
