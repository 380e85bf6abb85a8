/**
 * The access token of one Armis: asked for when there is none, when the one there is will soon be over, and when the
 * server no longer takes it.
 *
 * It is used until a minute before `expiration_utc`, and at most 45 minutes; the Go service ignores the expiration.
 */
import { Clock, Duration, Effect, Redacted, Result, Schema, Semaphore } from "effect"
import * as SourceErrors from "../../services/sync/SourceError.ts"
import type { SourceError } from "../../services/sync/SourceError.ts"
import type { Refused } from "../sync/sources/SourceAnswer.ts"
import type { SourceHttp } from "../sync/sources/SourceHttp.ts"

const Answer = Schema.Struct({
  success: Schema.Literal(true),
  data: Schema.Struct({
    /** As it can stand in a header. */
    access_token: Schema.String.check(Schema.isPattern(/^[\x20-\x7e]{1,8192}$/)),
    expiration_utc: Schema.optionalKey(Schema.NullOr(Schema.String))
  })
})

const decode = Schema.decodeUnknownResult(Answer)

interface Token {
  readonly value: Redacted.Redacted
  /** Unix milliseconds. */
  readonly usableUntil: number
}

export interface ArmisToken {
  /** Sends with the token, and once more with another when the server does not take it. */
  readonly use: <A>(
    send: (token: Redacted.Redacted) => Effect.Effect<A, SourceError>
  ) => Effect.Effect<A, SourceError>
}

const lifetimeMax = Duration.minutes(45)
const margin = Duration.minutes(1)

const refusals: ReadonlySet<SourceErrors.SourceErrorReason> = new Set(["unauthorized", "forbidden", "http_status"])

const tokenOf = (nowMillis: number) => (answer: unknown): Result.Result<Token, Refused> => {
  const decoded = decode(answer)
  if (Result.isFailure(decoded)) return Result.fail({ reason: "token", detail: "the answer holds no token" })
  const { access_token, expiration_utc } = decoded.success.data
  const expiration = Date.parse(expiration_utc ?? "")
  const ownLimit = nowMillis + Duration.toMillis(lifetimeMax)
  const usableUntil = Number.isFinite(expiration)
    ? Math.min(ownLimit, expiration - Duration.toMillis(margin))
    : ownLimit
  return expiration <= nowMillis
    ? Result.fail({ reason: "token", detail: `the token is over already: ${expiration_utc}` })
    : Result.succeed({ value: Redacted.make(access_token), usableUntil })
}

export const make = Effect.fnUntraced(function*(http: SourceHttp, endpoint: string, secretKey: Redacted.Redacted) {
  const turn = yield* Semaphore.make(1)
  let token: Token | undefined

  const renew = Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    const fresh = yield* http.request({
      method: "POST",
      url: `${endpoint}/api/v1/access_token/`,
      headers: { accept: "application/json", "content-type": "application/x-www-form-urlencoded" },
      body: Redacted.make(new URLSearchParams({ secret_key: Redacted.value(secretKey) }).toString())
    }, tokenOf(now)).pipe(
      // "unauthorized" says that the token is not taken, which another token might cure.
      Effect.mapError((error) =>
        refusals.has(error.reason) ? SourceErrors.make(error.source, "token", error.detail) : error
      )
    )
    token = fresh
    return fresh.value
  })

  /** Another one than `refused`, which the server did not take. */
  const get = (refused?: Redacted.Redacted) =>
    turn.withPermit(Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const isUsable = token !== undefined && token.usableUntil > now &&
        (refused === undefined || Redacted.value(token.value) !== Redacted.value(refused))
      return isUsable && token !== undefined ? Effect.succeed(token.value) : renew
    }))

  const result: ArmisToken = {
    use: (send) =>
      Effect.flatMap(get(), (first) =>
        Effect.catchIf(
          send(first),
          ({ reason }) => reason === "unauthorized",
          () => Effect.flatMap(get(first), send)
        ))
  }
  return result
})
