/**
 * `http`: does a URL answer as expected, and how long is its certificate still good?
 *
 * Redirects are followed up to a limit, configured headers only to the same origin. A certificate that cannot be verified
 * makes the check fail before anything is sent; the expiry is that of the certificate in the chain which expires first.
 */
import { Clock, DateTime, Effect, type FileSystem, Option, Schema } from "effect"
import * as Payload from "../../../domain/monitoring/checks/details/Payload.ts"
import * as HttpTarget from "../../../domain/monitoring/checks/HttpTarget.ts"
import type { Prepare } from "../../../services/monitoring/Prober.ts"
import * as CheckSteps from "../CheckSteps.ts"
import type { NameLookup } from "../NameLookup.ts"
import type { Kind } from "../ProbeKit.ts"
import * as Authorities from "../tls/Authorities.ts"
import * as CertificateChain from "../tls/CertificateChain.ts"
import type { BodyPattern } from "./BodyPattern.ts"
import * as BodyScan from "./BodyScan.ts"
import { HttpExchangeError } from "./HttpConnection.ts"
import { exchange, type HttpExchange } from "./HttpExchange.ts"
import * as JsonMatch from "./JsonMatch.ts"

const payload = Schema.Struct({
  url: Payload.text("as configured, without credentials"),
  final_url: Payload.text("where the redirects ended"),
  status_code: Payload.measure("status", "of the final answer"),
  redirects: Payload.measure("count", "that were followed"),
  address: Payload.text("of the server that gave the final answer"),
  http_version: Payload.text("`1.1` or `2`"),
  proxied: Payload.flag("whether `address` is the proxy's"),
  tls_version: Payload.text("such as `TLSv1.3`"),
  tls_expiry_days: Payload.measure("days", "until the first certificate of the chain expires, rounded down"),
  tls_not_after: Payload.text("when that is, ISO 8601"),
  tls_subject: Payload.text("whose that certificate is"),
  tls_issuer: Payload.text("who signed it"),
  body_matched: Payload.flag("with `bodyMatch` or `jsonPath`: whether the body is as expected"),
  timings: Payload.timings("dns", "connect", "proxy", "tls", "first_byte", "answer"),
  ...Payload.common
})

interface Followed {
  readonly answer: HttpExchange
  readonly url: URL
  readonly redirects: number
}

const isRedirect = (statusCode: number): boolean => [301, 302, 303, 307, 308].includes(statusCode)

/** As browsers do it: 303 asks for another document, and 301 and 302 have come to mean the same after a POST. */
const methodAfter = (statusCode: number, method: string): string => {
  const turnsPost = statusCode === 301 || statusCode === 302
  return (statusCode === 303 && method !== "HEAD") || (turnsPost && method === "POST") ? "GET" : method
}

/** The check is named by the URL that it began with. */
const redirectFailed = ({ href }: URL, reason: string) =>
  new HttpExchangeError({ url: href, reason: `redirected to ${HttpTarget.withoutCredentials(href)}: ${reason}` })

const follow = Effect.fnUntraced(function*(
  { names }: { readonly names: NameLookup },
  target: HttpTarget.HttpTarget,
  ca: string | undefined,
  watch: CheckSteps.Stopwatch
) {
  const first = new URL(target.url)
  let url = first
  let method: string = target.method
  for (let redirects = 0;; redirects++) {
    const withHeaders = url.origin === first.origin
    const answer = yield* exchange({ target, method, url, ca, names, watch, withHeaders }).pipe(
      Effect.mapError((error) => redirects === 0 ? error : redirectFailed(url, error.reason))
    )
    if (!isRedirect(answer.statusCode) || answer.location === undefined || target.maxRedirects === 0) {
      return { answer, url, redirects } satisfies Followed
    }
    if (redirects === target.maxRedirects) {
      const reason = `more than ${target.maxRedirects} redirects`
      return yield* new HttpExchangeError({ url: target.url, reason })
    }
    const next = URL.canParse(answer.location, url.href) ? new URL(answer.location, url) : undefined
    if (next === undefined || !/^https?:$/.test(next.protocol)) {
      return yield* new HttpExchangeError({
        url: url.href,
        reason: `redirects to ${HttpTarget.withoutCredentials(answer.location)}`
      })
    }
    url = next
    method = methodAfter(answer.statusCode, method)
  }
})

/** What of the body is not as expected; undefined when all is, null when nothing is expected of it. */
const bodyComplaint = Effect.fnUntraced(function*(
  patterns: BodyPattern,
  target: HttpTarget.HttpTarget,
  places: JsonMatch.JsonMatch,
  { body }: HttpExchange
) {
  const pattern = target.bodyMatch
  const unmatched = `body does not match ${JSON.stringify(pattern)}`
  if (places.length === 0) {
    if (pattern === undefined) return null
    return (yield* BodyScan.scan(patterns, pattern, body)) ? undefined : unmatched
  }
  const text = yield* JsonMatch.read(body)
  return CheckSteps.complaintOf(
    pattern === undefined || (yield* patterns.matches(pattern, text)) ? undefined : unmatched,
    JsonMatch.complaint(places, text)
  )
}, Effect.catch((error) => Effect.succeed(typeof error === "string" ? error : error.reason)))

const expiryOf = (certificate: CertificateChain.Certificate, nowMillis: number) => ({
  tls_expiry_days: CertificateChain.daysLeft(certificate, nowMillis),
  tls_not_after: DateTime.formatIso(certificate.notAfter),
  tls_subject: certificate.subject,
  tls_issuer: certificate.issuer
})

const judge = Effect.fnUntraced(function*(
  target: HttpTarget.HttpTarget,
  { answer, redirects, url }: Followed,
  body: string | undefined | null
) {
  const nowMillis = yield* Clock.currentTimeMillis
  const expiry = Option.getOrUndefined(
    Option.map(CertificateChain.firstToExpire(answer.chain), (one) => expiryOf(one, nowMillis))
  )
  const isShort = expiry !== undefined && target.certDaysMin !== undefined &&
    expiry.tls_expiry_days < target.certDaysMin
  return {
    facts: {
      url: HttpTarget.withoutCredentials(target.url),
      final_url: HttpTarget.withoutCredentials(url.href),
      status_code: answer.statusCode,
      redirects,
      address: answer.address,
      http_version: answer.httpVersion,
      ...(answer.isProxied ? { proxied: true } : {}),
      ...(answer.tlsVersion === undefined ? {} : { tls_version: answer.tlsVersion }),
      ...expiry,
      ...(body === null ? {} : { body_matched: body === undefined })
    },
    complaint: CheckSteps.complaintOf(
      HttpTarget.isExpectedStatus(target, answer.statusCode) ? undefined : `unexpected status ${answer.statusCode}`,
      isShort
        ? `certificate ${expiry.tls_subject} expires in ${expiry.tls_expiry_days} days, ` +
          `at least ${target.certDaysMin} are expected`
        : undefined,
      body ?? undefined
    )
  }
})

interface HttpKit {
  readonly names: NameLookup
  readonly patterns: BodyPattern
  readonly fs: FileSystem.FileSystem
}

export const prepare = (kit: HttpKit): Prepare =>
  Effect.fnUntraced(function*(request) {
    const target = yield* Effect.fromResult(HttpTarget.parse(request.details))
    const places = yield* JsonMatch.compile(target.jsonPath, HttpTarget.presentable(request.details))
    const failure = `HTTP check of ${HttpTarget.withoutCredentials(target.url)} failed`
    return CheckSteps.checker({
      limit: target.timeout,
      failure,
      work: Effect.fnUntraced(function*(watch) {
        const ca = yield* Authorities.read(kit.fs, target.caFile)
        const followed = yield* follow(kit, target, ca, watch)
        const body = yield* watch.step("answer", bodyComplaint(kit.patterns, target, places, followed.answer))
        return yield* judge(target, followed, body)
      })
    })
  })

export const kind: Kind = {
  about: "Does a URL answer as expected, and how long is its certificate still good?",
  notes: "The addresses of a name are tried one after the other, IPv6 and IPv4 in turn. Through a proxy, the proxy " +
    "resolves the names of targets: what checks may be pointed at holds for the proxy itself, and for a target's name or " +
    "address as it is written. Where neither `bodyMatch` nor `jsonPath` is given the check is over with the headers of the " +
    "answer: what follows them is not read, and may be without end, in pieces or broken off. A page that has to arrive whole " +
    "is asked for its end: `\"bodyMatch\":\"</html>\\\\s*$\"`.",
  details: { bareForm: "an http or https URL", schema: HttpTarget.HttpTarget },
  payload,
  examples: [
    { details: "https://example.org/health", about: "Does it answer with 2xx?" },
    {
      details: "{\"url\":\"https://example.org/health\",\"jsonPath\":{\"$.status\":\"ok\"},\"certDaysMin\":14}",
      about: "Does it say that it is well, and is its certificate good for two more weeks?"
    },
    {
      details:
        "{\"url\":\"http://[2001:db8::10]:8080/\",\"expectedStatus\":[200,401],\"bodyMatch\":\"<title>.*</title>\"}",
      about: "Is it there over IPv6?"
    }
  ],
  prepare
}
