import { assert, describe, it } from "@effect/vitest"
import * as Password from "../../../src/domain/identity/Password.ts"

describe("A password", () => {
  it("has 12 to 72 bytes, whatever its characters", () => {
    assert.isUndefined(Password.problem("a".repeat(12)))
    assert.isUndefined(Password.problem("a".repeat(72)))
    assert.isUndefined(Password.problem("ü".repeat(6)))
    assert.strictEqual(Password.problem("a".repeat(11)), "is shorter than 12 bytes")
    assert.strictEqual(Password.problem("ü".repeat(37)), "is longer than 72 bytes")
    assert.strictEqual(Password.problem("correct\0horse battery"), "holds characters that no password can have")
    assert.strictEqual(Password.problem("correct horse \ud800"), "holds characters that no password can have")
  })
})

describe("What is kept of a password", () => {
  const ours = {
    ...Password.cost,
    salt: "AAECAwQFBgcICQoLDA0ODw",
    hash: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
  }

  it("is read as it was written", () => {
    const text = Password.format(ours)
    assert.deepStrictEqual(Password.parse(text), { _tag: "Argon2id", ...ours })
  })

  it("is bcrypt where the existing system made it", () => {
    const text = "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
    assert.deepStrictEqual(Password.parse(text), { _tag: "Bcrypt", text })
  })

  it.each([
    "",
    "secret",
    "$2a$10$x",
    "$2a$31$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
    "$argon2id$v=19$m=1$a"
  ])(
    "is nothing that anybody signs in with otherwise: %s",
    (text) => {
      assert.isUndefined(Password.parse(text))
    }
  )

  it("is renewed where a guess costs less than today", () => {
    assert.isTrue(Password.isCurrent({ _tag: "Argon2id", ...ours }))
    assert.isFalse(Password.isCurrent({ _tag: "Argon2id", ...ours, passes: 1 }))
    assert.isFalse(Password.isCurrent({ _tag: "Bcrypt", text: "" }))
  })
})
