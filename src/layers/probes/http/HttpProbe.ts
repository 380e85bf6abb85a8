/**
 * `http`: does a URL answer as expected, and how long is its certificate still good?
 *
 * Redirects are followed up to a limit, configured headers only to the same origin. A certificate that cannot be verified
 * makes the check fail before anything is sent; the expiry is that of the certificate in the chain which expires first.
 */
import { Clock, DateTime, Effect, FileSystem, Option, Result } from "effect"
import * as HttpTarget from "../../../domain/monitoring/checks/HttpTarget.ts"
import * as ProbeResult from "../../../domain/monitoring/checks/ProbeResult.ts"
import type { Prepare } from "../../../services/monitoring/Prober.ts"
import * as WholeFile from "../../files/WholeFile.ts"
import type { NameLookup } from "../NameLookup.ts"
import type { BodyPattern } from "./BodyPattern.ts"
import * as BodyScan from "./BodyScan.ts"
import type { Certificate } from "./CertificateChain.ts"
import { exchange, type HttpExchange, HttpExchangeError } from "./HttpExchange.ts"

export interface HttpOptions {
  readonly names: NameLookup
  readonly patterns: BodyPattern
}

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

const follow = Effect.fnUntraced(function*(
  names: NameLookup,
  target: HttpTarget.HttpTarget,
  ca: string | undefined
) {
  const first = new URL(target.url)
  let url = first
  let method: string = target.method
  for (let redirects = 0;; redirects++) {
    const answer = yield* exchange({ target, method, url, ca, names, withHeaders: url.origin === first.origin })
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

const daysLeft = (notAfter: DateTime.Utc, nowMillis: number): number =>
  Math.floor((notAfter.epochMilliseconds - nowMillis) / 86_400_000)

const expiryOf = (certificate: Certificate, nowMillis: number) => ({
  days: daysLeft(certificate.notAfter, nowMillis),
  notAfter: DateTime.formatIso(certificate.notAfter),
  subject: certificate.subject,
  issuer: certificate.issuer
})

const matchOf = (patterns: BodyPattern, target: HttpTarget.HttpTarget, { body }: HttpExchange) =>
  target.bodyMatch === undefined
    ? Effect.succeed(undefined)
    : Effect.result(
      Effect.mapError(
        BodyScan.scan(patterns, target.bodyMatch, body),
        (error) => typeof error === "string" ? error : error.reason
      )
    )

const judge = Effect.fnUntraced(function*(
  patterns: BodyPattern,
  target: HttpTarget.HttpTarget,
  { answer, redirects, url }: Followed
) {
  const nowMillis = yield* Clock.currentTimeMillis
  const tlsExpiry = Option.getOrUndefined(Option.map(answer.certificate, (one) => expiryOf(one, nowMillis)))
  const matched = yield* matchOf(patterns, target, answer)
  const complaints = [
    HttpTarget.isExpectedStatus(target, answer.statusCode) ? [] : [`unexpected status ${answer.statusCode}`],
    tlsExpiry !== undefined && target.certDaysMin !== undefined && tlsExpiry.days < target.certDaysMin
      ? [
        `certificate ${tlsExpiry.subject} expires in ${tlsExpiry.days} days, ` +
        `at least ${target.certDaysMin} are expected`
      ]
      : [],
    matched === undefined ? [] : Result.match(matched, {
      onFailure: (reason) => [reason],
      onSuccess: (isMatch) => isMatch ? [] : [`body does not match ${JSON.stringify(target.bodyMatch)}`]
    })
  ].flat()
  const facts: ProbeResult.HttpAnswer = {
    url: HttpTarget.withoutCredentials(target.url),
    finalUrl: HttpTarget.withoutCredentials(url.href),
    statusCode: answer.statusCode,
    redirects,
    address: answer.address,
    ...(tlsExpiry === undefined ? {} : { tlsExpiry }),
    ...(matched === undefined ? {} : { bodyMatched: Result.isSuccess(matched) && matched.success })
  }
  return { facts, complaint: complaints.length === 0 ? undefined : complaints.join("; ") }
})

const caBytesMax = 2 ** 20

const authorities = Effect.fnUntraced(function*(fs: FileSystem.FileSystem, target: HttpTarget.HttpTarget) {
  if (target.caFile === undefined) return undefined
  return yield* WholeFile.read(target.caFile, caBytesMax).pipe(
    Effect.provideService(FileSystem.FileSystem, fs),
    Effect.mapError(({ message }) => new HttpExchangeError({ url: target.url, reason: `caFile: ${message}` }))
  )
})

export const prepare = (options: HttpOptions): Prepare<FileSystem.FileSystem> =>
  Effect.fnUntraced(function*(request) {
    const fs = yield* FileSystem.FileSystem
    const target = yield* Effect.fromResult(HttpTarget.parse(request.details))
    const failed = (reason: string, elapsedNanos = 0n) =>
      ProbeResult.failed(`HTTP check of ${HttpTarget.withoutCredentials(target.url)} failed: ${reason}`, elapsedNanos)
    return {
      timeout: target.timeout,
      failed,
      check: Effect.gen(function*() {
        const startedNanos = yield* Clock.monotonicTimeNanos
        const judged = yield* authorities(fs, target).pipe(
          Effect.flatMap((ca) => follow(options.names, target, ca)),
          Effect.flatMap((followed) => judge(options.patterns, target, followed)),
          Effect.scoped,
          Effect.result
        )
        const elapsedNanos = (yield* Clock.monotonicTimeNanos) - startedNanos
        return Result.match(judged, {
          onFailure: ({ reason }) => failed(reason, elapsedNanos),
          onSuccess: ({ complaint, facts }) => ProbeResult.httpAnswered(facts, elapsedNanos, complaint)
        })
      })
    }
  })
