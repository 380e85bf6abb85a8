/**
 * Who may read the HTTP side of a program: everybody on the loopback; beyond it whoever has the bearer token, but for
 * `/health/*`, which load balancers and orchestrators ask without one.
 *
 * A server that others can reach and that nobody has a token for does not start.
 */
import { Config, Effect, Option, Redacted, Schema } from "effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as crypto from "node:crypto"
import * as SecurityEvent from "../../domain/security/SecurityEvent.ts"
import { isLoopback } from "../../domain/security/SecurityMode.ts"
import * as TokenBucket from "../../domain/security/TokenBucket.ts"
import { SecurityMonitor } from "../../services/security/SecurityMonitor.ts"

export const tokenVariable = "SERVICERADAR_HTTP_TOKEN"

/** In characters; a shorter one can be guessed. */
const tokenLengthMin = 16

export class AccessRefused extends Schema.TaggedError<AccessRefused>()("AccessRefused", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

/** The token of this machine's programs, for those who ask as well. */
export const token = Effect.orElseSucceed(
  Config.option(Config.Redacted(tokenVariable)),
  () => Option.none<Redacted.Redacted>()
)

const digest = (text: string): Buffer => crypto.createHash("sha256").update(text).digest()

/** Takes as long for a token that is nearly right as for one that is not. */
const isToken = (header: string | undefined, expected: Buffer): boolean => {
  const given = /^Bearer +(\S+) *$/i.exec(header ?? "")?.[1]
  return given !== undefined && crypto.timingSafeEqual(digest(given), expected)
}

const isOpen = (url: string): boolean => {
  const path = URL.parse(url, "http://localhost")?.pathname
  return path !== undefined && path.startsWith("/health/")
}

const unauthorized = HttpServerResponse.setHeader(
  HttpServerResponse.jsonUnsafe({ error: "this needs the header Authorization: Bearer TOKEN" }, { status: 401 }),
  "www-authenticate",
  "Bearer"
)

type Answer<E, R> = Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>

/** Goes around the answers of a server. */
export type Guard = <E, R>(answer: Answer<E, R>) => Answer<E, HttpServerRequest.HttpServerRequest | R>

const open: Guard = (answer) => answer

const guarded = (expected: Buffer, report: Effect.Effect<void>): Guard => (answer) =>
  Effect.flatMap(
    HttpServerRequest.HttpServerRequest,
    ({ headers, url }) =>
      isOpen(url) || isToken(headers["authorization"], expected) ? answer : Effect.as(report, unauthorized)
  )

/** One event tells of many attempts. */
const reporter = Effect.gen(function*() {
  const monitor = yield* Effect.serviceOption(SecurityMonitor)
  const bucket = TokenBucket.make({ perSecond: 1, burst: 10 })
  return Effect.clockWith((clock) => {
    if (Option.isNone(monitor) || !bucket.take(clock.currentTimeMillisUnsafe())) return Effect.void
    return monitor.value.record(
      SecurityEvent.UnauthorizedAccess.make({ peer: "", action: "HTTP", reason: "no valid bearer token" })
    )
  })
})

/** For a server that listens on `host`. */
export const guardOf = Effect.fn("ManagementAccess.guardOf")(function*(
  host: string
): Effect.fn.Return<Guard, AccessRefused> {
  if (isLoopback(host)) return open
  const configured = yield* token
  const text = Option.match(configured, { onNone: () => "", onSome: Redacted.value })
  if (text.length < tokenLengthMin) {
    return yield* new AccessRefused({
      reason: text === ""
        ? `others can reach this address: set ${tokenVariable} to a secret that they have to send as bearer token, or ` +
          "listen on 127.0.0.1"
        : `${tokenVariable} is shorter than ${tokenLengthMin} characters`
    })
  }
  return guarded(digest(text), yield* reporter)
})
