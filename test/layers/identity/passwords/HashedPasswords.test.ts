import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, type Layer, Redacted } from "effect"
import * as Password from "../../../../src/domain/identity/Password.ts"
import * as Argon2id from "../../../../src/layers/identity/passwords/Argon2id.ts"
import * as HashedPasswords from "../../../../src/layers/identity/passwords/HashedPasswords.ts"
import { Passwords } from "../../../../src/services/identity/Passwords.ts"

const secret = Redacted.make("correct horse battery staple")

/** Made by the bcrypt of the existing system, of "correct horse battery staple". */
const bcrypt = "$2a$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS"

const layers: ReadonlyArray<readonly [string, Layer.Layer<Passwords>]> = [
  ["by Node where it can", HashedPasswords.layer],
  ["in a thread", HashedPasswords.layerThread]
]

describe.each(layers)("Passwords hashed %s", (_, layer) => {
  it.live("are known again, and no others", () =>
    Effect.gen(function*() {
      const { hash, matches } = yield* Passwords
      const kept = yield* hash(secret)
      assert.match(kept, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
      assert.notStrictEqual(kept, yield* hash(secret))
      assert.isTrue(yield* matches(secret, kept))
      assert.isFalse(yield* matches(Redacted.make("correct horse battery stapl"), kept))
      assert.isFalse(yield* matches(Redacted.make("x".repeat(73)), kept))
    }).pipe(Effect.provide(layer)))

  it.live("are nobody's where nothing that is known is kept", () =>
    Effect.gen(function*() {
      const { matches, nobodys } = yield* Passwords
      assert.isDefined(Password.parse(nobodys))
      for (const kept of ["", "correct horse battery staple", nobodys]) assert.isFalse(yield* matches(secret, kept))
    }).pipe(Effect.provide(layer)))

  it.live("of the existing system are known too", () =>
    Effect.gen(function*() {
      const { matches } = yield* Passwords
      assert.isTrue(yield* matches(secret, bcrypt))
      assert.isFalse(yield* matches(Redacted.make("Correct horse battery staple"), bcrypt))
    }).pipe(Effect.provide(layer)))
})

describe("Passwords", () => {
  it.live("are hashed to the same bytes whoever does it", () =>
    Effect.gen(function*() {
      const hashing = {
        password: "correct horse",
        salt: new Uint8Array(16).fill(7),
        memoryKib: 64,
        passes: 1,
        lanes: 1,
        length: 32
      }
      // RFC 9106's algorithm as the reference implementation has it.
      const expected = "0aa8d76217ab242c6d14433d5ff105dd539f1ce4be07f1103bc3f7ed6aee0efb"
      assert.strictEqual((yield* Argon2id.byThread(hashing)).toString("hex"), expected)
      if (Argon2id.isInNode()) assert.strictEqual((yield* Argon2id.byNode(hashing)).toString("hex"), expected)
    }))

  it.live("are refused at once where many wait, while everything else goes on", () =>
    Effect.gen(function*() {
      const { hash } = yield* Passwords
      let longestMillis = 0
      let last = performance.now()
      const watch = setInterval(() => {
        const now = performance.now()
        longestMillis = Math.max(longestMillis, now - last)
        last = now
      }, 1)
      const exits = yield* Effect.forEach(
        Array.from({ length: 60 }, () => hash(secret)),
        Effect.exit,
        { concurrency: "unbounded" }
      )
      clearInterval(watch)
      assert.strictEqual(exits.filter(Exit.isSuccess).length, 32)
      assert.isBelow(longestMillis, 500)
    }).pipe(Effect.provide(HashedPasswords.layer)))
})
