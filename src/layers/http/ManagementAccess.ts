/**
 * Who may read the HTTP side of a program: everybody on the loopback; beyond it whoever has the token (as bearer, or in `x-api-key`),
 * shows a client certificate whose role may read, or has signed in where the program has a sign-in, but for `/health/*` and `/healthz`, which load balancers and
 * orchestrators ask without either, and for what is mounted, which asks by itself who asks (see `Management.Mount`).
 *
 * Certificates count where the program has its own: then it speaks HTTPS, unless it has a token and is not told to. A
 * server that others can reach and that nobody can show either to does not start.
 */
import { Config, Context, Effect, Option, Redacted, Result, Schema } from "effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as crypto from "node:crypto"
import type { SecurityConfig } from "../../domain/security/SecurityConfig.ts"
import * as SecurityEvent from "../../domain/security/SecurityEvent.ts"
import { isLoopback } from "../../domain/security/SecurityMode.ts"
import * as TokenBucket from "../../domain/security/TokenBucket.ts"
import { listeningOn } from "../../services/security/ConnectionSecurity.ts"
import { CurrentSecurityMode } from "../../services/security/CurrentSecurityMode.ts"
import { SecurityMonitor } from "../../services/security/SecurityMonitor.ts"
import type { Door } from "./Management.ts"
import * as ManagementCertificates from "./ManagementCertificates.ts"

export const tokenVariable = "SERVICERADAR_HTTP_TOKEN"
/** `true` or `false`; without it HTTPS is spoken where there are certificates and no token. */
export const tlsVariable = "SERVICERADAR_HTTP_TLS"

/** In characters; a shorter one can be guessed. */
const tokenLengthMin = 16
/** What a header can hold and nobody cuts off: with anything else nobody could show it. */
const presentable = /^[\x21-\x7e]+$/

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

/** As bearer, or as those show it who ask the SRQL service of the existing system. */
const shownIn = (headers: Readonly<Record<string, string | undefined>>): string | undefined =>
  /^Bearer +(\S+) *$/i.exec(headers["authorization"] ?? "")?.[1] ?? headers["x-api-key"]?.trim()

/** Takes as long for a token that is nearly right as for one that is not. */
const hasToken = (headers: Readonly<Record<string, string | undefined>>, expected: Buffer): boolean => {
  const given = shownIn(headers)
  return given !== undefined && crypto.timingSafeEqual(digest(given), expected)
}

/** For load balancers and orchestrators. Of a route, not of a request: what a router and others read out of an address differs. */
export const isOpen = (routePath: string): boolean => routePath.startsWith("/health/") || routePath === "/healthz"

const unauthorized = HttpServerResponse.setHeader(
  HttpServerResponse.jsonUnsafe({ error: "this needs the header Authorization: Bearer TOKEN" }, { status: 401 }),
  "www-authenticate",
  "Bearer"
)

const refused = ({ error, reason, status }: ManagementCertificates.Refusal) =>
  HttpServerResponse.jsonUnsafe({ error: reason, code: error }, { status })

type Answer<E, R> = Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>

/** Goes around whatever is not for everybody; `isPersonal` where each who has signed in is answered with what is his. */
export type Guard = <E, R>(
  answer: Answer<E, R>,
  isPersonal?: boolean
) => Answer<E, HttpServerRequest.HttpServerRequest | R>

export const open: Guard = (answer) => answer

/** Whom an answer is for: somebody whom the server itself lets in, or one whom a door let in, and who is to be asked for there. */
export const AdmittedBy = Context.Reference<"server" | "door">("serviceradar/layers/http/AdmittedBy", {
  defaultValue: () => "server"
})

type Report = (event: SecurityEvent.SecurityEvent) => Effect.Effect<void>

/** The doors of the program's parts at this moment. */
export type Doors = () => ReadonlyArray<Door<never>>

const noDoors: Doors = () => []

/** A browser is shown where to sign in; programs are told what to send. */
const elsewhere = ({ headers, method }: HttpServerRequest.HttpServerRequest, [door]: ReadonlyArray<Door<never>>) =>
  door !== undefined && method === "GET" && headers["accept"]?.includes("text/html") === true
    ? Option.some(
      HttpServerResponse.empty({ status: 303, headers: { location: door.signIn, "cache-control": "no-store" } })
    )
    : Option.none()

interface Asked {
  readonly doors: Doors
  readonly token: Option.Option<Buffer>
  /** None: certificates do not count. */
  readonly security: Option.Option<ManagementCertificates.Secured>
}

/** Of somebody who is known by an address alone. */
const noToken = (request: HttpServerRequest.HttpServerRequest) =>
  SecurityEvent.UnauthorizedAccess.make({
    peer: Option.getOrElse(request.remoteAddress, () => ""),
    action: "HTTP",
    reason: "no valid bearer token"
  })

/** Why not, by what the server knows itself. */
const refusalOf = ({ security, token }: Asked, request: HttpServerRequest.HttpServerRequest) => {
  const { headers, url } = request
  if (Option.exists(token, (expected) => hasToken(headers, expected))) return undefined
  if (Option.isNone(security)) return { event: noToken(request), response: unauthorized }
  const judged = ManagementCertificates.judge(
    request,
    URL.parse(url, "http://localhost")?.pathname ?? "",
    security.value
  )
  return Result.isSuccess(judged) ? undefined : { event: judged.failure.event, response: refused(judged.failure) }
}

const guarded = (asked: Asked, report: Report): Guard => (answer, isPersonal = false) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
    const refusal = refusalOf(asked, request)
    if (refusal === undefined) return answer
    const doors = asked.doors()
    return Effect.flatMap(Effect.forEach(doors, ({ admits }) => admits(request)), (admitted) => {
      const isIn = admitted.includes("everything") || (isPersonal && admitted.includes("own"))
      if (isIn) return Effect.provideService(answer, AdmittedBy, "door")
      const page = elsewhere(request, doors)
      return Option.isSome(page) ? Effect.succeed(page.value) : Effect.as(report(refusal.event), refusal.response)
    })
  })

/** One event tells of many attempts. */
const reporter = Effect.gen(function*() {
  const monitor = yield* Effect.serviceOption(SecurityMonitor)
  const bucket = TokenBucket.make({ perSecond: 1, burst: 10 })
  return (event: SecurityEvent.SecurityEvent) =>
    Effect.clockWith((clock) =>
      Option.isNone(monitor) || !bucket.take(clock.currentTimeMillisUnsafe())
        ? Effect.void
        : monitor.value.record(event)
    )
})

const wantsTls = Effect.gen(function*() {
  const text = yield* Effect.orElseSucceed(Config.option(Config.String(tlsVariable)), () => Option.none<string>())
  const word = Option.getOrElse(text, () => "").trim().toLowerCase()
  if (word === "") return Option.none<boolean>()
  if (word === "true" || word === "false") return Option.some(word === "true")
  return yield* new AccessRefused({ reason: `${tlsVariable} is ${JSON.stringify(word)}, expected true or false` })
})

/** Where nobody has said that it is meant. */
const warnOfPlainText = Effect.fnUntraced(function*(host: string) {
  const { isExplicit, mode } = yield* CurrentSecurityMode
  const monitor = yield* Effect.serviceOption(SecurityMonitor)
  if (Option.isNone(monitor) || (isExplicit && mode === "development")) return
  yield* monitor.value.warnOfPlainText("serve HTTP", listeningOn(host))
})

export interface Access {
  readonly guard: Guard
  /** Whether HTTPS is spoken, with the program's certificates. */
  readonly isTls: boolean
}

/** For a server that listens on `host`, of a program with this security. */
export const accessOf = Effect.fn("ManagementAccess.accessOf")(function*(
  host: string,
  security: SecurityConfig,
  doors: Doors = noDoors
): Effect.fn.Return<Access, AccessRefused> {
  const wanted = yield* wantsTls
  const hasCertificates = security._tag !== "None"
  if (Option.contains(wanted, true) && !hasCertificates) {
    return yield* new AccessRefused({ reason: `${tlsVariable} is true, but no certificates are configured` })
  }
  const configured = yield* token
  const text = Option.match(configured, { onNone: () => "", onSome: Redacted.value })
  const isTls = hasCertificates && Option.getOrElse(wanted, () => text === "" && !isLoopback(host))
  if (isLoopback(host)) return { guard: open, isTls }
  if (text.length < tokenLengthMin && !(isTls && text === "")) {
    return yield* new AccessRefused({
      reason: text === ""
        ? `others can reach this address: set ${tokenVariable} to a secret that they have to send as bearer token, ` +
          "configure certificates (security), or listen on 127.0.0.1"
        : `${tokenVariable} is shorter than ${tokenLengthMin} characters`
    })
  }
  if (text !== "" && !presentable.test(text)) {
    return yield* new AccessRefused({
      reason: `${tokenVariable} holds a space, a line end or a character beyond ASCII, which no header can carry`
    })
  }
  if (!isTls && Option.isNone(wanted)) yield* warnOfPlainText(host)
  const asked = {
    doors,
    token: text === "" ? Option.none() : Option.some(digest(text)),
    security: isTls && hasCertificates ? Option.some(security) : Option.none()
  }
  return { guard: guarded(asked, yield* reporter), isTls }
})
