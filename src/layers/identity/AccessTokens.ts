/**
 * The tokens of `/auth/login`: JWTs with the claims of the existing core, and three of ours. `use` tells access from refresh tokens,
 * `sid` names the session with which both end, and `jti` of a refresh token is good once.
 */
import { Context, DateTime, Duration, Effect, Layer, Option, Redacted, Schema } from "effect"
import * as crypto from "node:crypto"
import type { TokenConfig } from "../../domain/core/AuthConfig.ts"
import type { Stored } from "../../domain/records/Record.ts"

/** No signature can be made with what is configured. */
export class SigningFailed extends Schema.TaggedError<SigningFailed>()("SigningFailed", { detail: Schema.String }) {
  override get message(): string {
    return `tokens cannot be signed (auth.jwt_private_key_pem, auth.jwt_secret): ${this.detail}`
  }
}

export class TokenRefused extends Schema.TaggedError<TokenRefused>()("TokenRefused", {}) {
  override get message(): string {
    return "the token is not valid"
  }
}

/** Of refresh tokens, as the existing core has it. */
export const refreshLife = Duration.days(7)

const Claims = Schema.Struct({ use: Schema.Literals(["access", "refresh"]), sid: Schema.String, jti: Schema.String })
export type Claims = typeof Claims.Type
const decodeClaims = Schema.decodeUnknownOption(Claims)

export interface Pair {
  readonly access_token: string
  readonly refresh_token: string
  readonly expires_at: string
}

export class AccessTokens extends Context.Service<AccessTokens, {
  /** `secret` becomes the id of the refresh token. */
  readonly issue: (user: Stored, session: string, secret: string) => Effect.Effect<Pair, SigningFailed>
  readonly verify: (token: string, use: Claims["use"]) => Effect.Effect<Claims, TokenRefused>
  /** What others need to verify them; nothing where the key is a secret. */
  readonly keys: Effect.Effect<ReadonlyArray<Readonly<Record<string, unknown>>>, SigningFailed>
}>()("serviceradar/layers/identity/AccessTokens") {
  static readonly layer = (config: TokenConfig): Layer.Layer<AccessTokens> => Layer.effect(AccessTokens, make(config))
}

const library = Effect.promise(() => import("jose"))

const failed = (cause: unknown) => new SigningFailed({ detail: cause instanceof Error ? cause.message : String(cause) })

const keyOf = ({ algorithm, privateKey, secret }: TokenConfig) =>
  Effect.try({
    try: () => {
      if (algorithm === "RS256") {
        const own = crypto.createPrivateKey(Redacted.value(privateKey))
        return { own, open: crypto.createPublicKey(own) }
      }
      const shared = crypto.createSecretKey(
        Option.match(secret, {
          onNone: () => crypto.randomBytes(32),
          onSome: (text) => Buffer.from(Redacted.value(text))
        })
      )
      return { own: shared, open: shared }
    },
    catch: failed
  })

const make = Effect.fnUntraced(function*(config: TokenConfig) {
  const { algorithm, keyId, life } = config
  const key = yield* Effect.cached(keyOf(config))
  const jose = yield* Effect.cached(library)

  const signed = Effect.fnUntraced(function*(claims: Readonly<Record<string, unknown>>, expires: DateTime.Utc) {
    const [{ SignJWT }, { own }] = [yield* jose, yield* key]
    const now = yield* DateTime.now
    const header = { alg: algorithm, typ: "JWT", ...(keyId === "" ? {} : { kid: keyId }) }
    return yield* Effect.tryPromise({
      try: () =>
        new SignJWT({ ...claims })
          .setProtectedHeader(header)
          .setIssuedAt(Math.floor(now.epochMilliseconds / 1000))
          .setExpirationTime(Math.floor(expires.epochMilliseconds / 1000))
          .sign(own),
      catch: failed
    })
  })

  const issue: AccessTokens["Service"]["issue"] = Effect.fn("AccessTokens.issue")(
    function*({ values }, session, secret) {
      const now = yield* DateTime.now
      const name = String(values["email"])
      const person = {
        user_id: crypto.createHash("sha256").update(name).digest("base64").replaceAll("+", "-").replaceAll("/", "_"),
        email: name,
        provider: "local",
        roles: [String(values["role"])],
        sid: session
      }
      const expires = DateTime.addDuration(now, life)
      const refreshUntil = DateTime.addDuration(now, refreshLife)
      return {
        access_token: yield* signed({ ...person, use: "access", jti: crypto.randomUUID() }, expires),
        refresh_token: yield* signed({ ...person, use: "refresh", jti: secret }, refreshUntil),
        expires_at: DateTime.formatIso(expires)
      }
    }
  )

  const verify: AccessTokens["Service"]["verify"] = Effect.fn("AccessTokens.verify")(function*(token, use) {
    const [{ jwtVerify }, { open }] = [yield* jose, yield* key]
    const now = yield* DateTime.now
    const { payload } = yield* Effect.tryPromise({
      try: () =>
        jwtVerify(token, open, {
          algorithms: [algorithm],
          requiredClaims: ["exp", "iat"],
          // Refuses one that says to have been made later than now.
          maxTokenAge: Math.ceil(Duration.toSeconds(Duration.max(life, refreshLife))),
          currentDate: DateTime.toDateUtc(now)
        }),
      catch: () => new TokenRefused()
    })
    const claims = decodeClaims(payload)
    return Option.isSome(claims) && claims.value.use === use ? claims.value : yield* new TokenRefused()
  }, Effect.catchTag("SigningFailed", () => Effect.fail(new TokenRefused())))

  const keys = Effect.gen(function*() {
    if (algorithm === "HS256") return []
    const [{ exportJWK }, { open }] = [yield* jose, yield* key]
    const { e, kty, n } = yield* Effect.tryPromise({ try: () => exportJWK(open), catch: failed })
    return [{ kty, kid: keyId, use: "sig", alg: algorithm, n, e }]
  })

  return AccessTokens.of({ issue, keys, verify })
})
