import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Option, Redacted } from "effect"
import * as jose from "jose"
import * as crypto from "node:crypto"
import { AccessTokens } from "../../../src/layers/identity/AccessTokens.ts"

const { privateKey } = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 })

const rs256 = (type: "pkcs1" | "pkcs8") =>
  AccessTokens.layer({
    algorithm: "RS256",
    secret: Option.none(),
    privateKey: Redacted.make(privateKey.export({ format: "pem", type }).toString()),
    keyId: "key-1",
    life: Duration.hours(1)
  })

const user = { version: "1", values: { email: "admin", role: "admin" } }

describe("Access tokens by RS256", () => {
  it.live.each(["pkcs1", "pkcs8"] as const)(
    "are verified by anybody with the published keys: %s",
    (type) =>
      Effect.gen(function*() {
        const tokens = yield* AccessTokens
        const { access_token } = yield* tokens.issue(user, "session", "secret")
        const [key] = yield* tokens.keys
        const set = jose.createLocalJWKSet({ keys: [{ kty: "RSA", ...key }] })
        const { payload, protectedHeader } = yield* Effect.promise(() => jose.jwtVerify(access_token, set))
        assert.deepInclude(protectedHeader, { alg: "RS256", kid: "key-1" })
        assert.deepInclude(payload, { email: "admin", roles: ["admin"], sid: "session", use: "access" })
        assert.deepInclude(yield* tokens.verify(access_token, "access"), { sid: "session" })
      }).pipe(Effect.provide(rs256(type)))
  )

  it.live("are refused with an HMAC by the public key", () =>
    Effect.gen(function*() {
      const tokens = yield* AccessTokens
      const secret = new TextEncoder().encode(
        crypto.createPublicKey(privateKey).export({ format: "pem", type: "spki" }).toString()
      )
      const forged = yield* Effect.promise(() =>
        new jose.SignJWT({ use: "access", sid: "session", jti: "x" }).setProtectedHeader({ alg: "HS256" })
          .setIssuedAt().setExpirationTime("1h").sign(secret)
      )
      const refused = yield* Effect.flip(tokens.verify(forged, "access"))
      assert.strictEqual(refused._tag, "TokenRefused")
    }).pipe(Effect.provide(rs256("pkcs8"))))

  it.live("are not made with what is no key", () =>
    Effect.gen(function*() {
      const tokens = yield* AccessTokens
      const error = yield* Effect.flip(tokens.issue(user, "session", "secret"))
      assert.match(error.message, /^tokens cannot be signed \(auth\.jwt_private_key_pem/)
    }).pipe(Effect.provide(AccessTokens.layer({
      algorithm: "RS256",
      secret: Option.none(),
      privateKey: Redacted.make("-----BEGIN PRIVATE KEY-----\nnone\n-----END PRIVATE KEY-----"),
      keyId: "",
      life: Duration.hours(1)
    }))))
})
