/**
 * HTTP to one source: bounded in time and size, repeated where that helps, and never giving the token to another host.
 *
 * A large page is parsed as it arrives (`SourceAnswer`): elements are handed over one by one, the body is never whole.
 * An answer that is cut off, undecodable, 429 or 5xx is asked for again, a few times with growing pauses or the pause
 * that the source asks for; the breaker of the source stops asking when it fails for good.
 */
import { Agent, type Dispatcher, ProxyAgent, request as httpRequest } from "@effect/platform-node/Undici"
import { Clock, Duration, Effect, Exit, Option, Random, Redacted, Result, type Scope, Semaphore } from "effect"
import * as Backoff from "../../../domain/backoff/Backoff.ts"
import type { SourceConfig } from "../../../domain/sync/SyncConfig.ts"
import * as CircuitBreaker from "../../../services/breaker/CircuitBreaker.ts"
import * as Monotonic from "../../../services/clock/Monotonic.ts"
import * as SourceErrors from "../../../services/sync/SourceError.ts"
import type { SourceError } from "../../../services/sync/SourceError.ts"
import * as SourceAnswer from "./SourceAnswer.ts"
import type { HttpRequest, Refused } from "./SourceAnswer.ts"
import * as SourceCarrier from "./SourceCarrier.ts"
import * as TrustedRoots from "./TrustedRoots.ts"

export interface SourceHttpOptions
  extends Pick<SourceConfig, "name" | "skipVerify" | "requestsPerSecond" | "requestTimeout">
{
  /** Its base address. */
  readonly endpoint: string
  /** Address of a proxy through which it is asked. */
  readonly proxy?: string | undefined
}

export interface SourceHttp {
  /** `read` judges the answer without its elements. */
  readonly request: <A>(
    request: HttpRequest,
    read: (answer: unknown) => Result.Result<A, Refused>
  ) => Effect.Effect<A, SourceError>
}

const connectTimeout = Duration.seconds(10)
/** For all of one attempt. */
const attemptTimeout = Duration.minutes(3)
const redirectsMax = 5
const retryAfterMax = Duration.minutes(2)
const attemptsMax = 4
const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status)

/** Seconds, or an HTTP date. */
const retryAfterOf = (text: string, nowMillis: number): Option.Option<Duration.Duration> => {
  const millis = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - nowMillis
  return Number.isFinite(millis) && text !== ""
    ? Option.some(Duration.min(Duration.millis(Math.max(0, millis)), retryAfterMax))
    : Option.none()
}

const timeoutCodes = new Set([
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "ETIMEDOUT"
])

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : ""

const failureOf = (source: string, request: HttpRequest) => (cause: unknown): SourceError => {
  const code = codeOf(cause)
  const text = cause instanceof Error ? cause.message : String(cause)
  const detail = `${SourceAnswer.placeOf(request)}: ${code === "" || text.includes(code) ? text : `${code}: ${text}`}`
  if (timeoutCodes.has(code)) return SourceErrors.make(source, "timeout", detail)
  // A body shorter than its Content-Length.
  if (code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH") return SourceErrors.make(source, "undecodable", detail)
  return SourceErrors.make(source, "connection", detail)
}

const reasonOf = (status: number): SourceErrors.SourceErrorReason => {
  if (status === 401) return "unauthorized"
  if (status === 403) return "forbidden"
  if (status === 429) return "rate_limited"
  return status >= 500 ? "server_error" : "http_status"
}

const headersOf = ({ authorization, headers }: HttpRequest, isSameOrigin: boolean): Record<string, string> => ({
  ...headers,
  ...(authorization === undefined || !isSameOrigin ? {} : { authorization: Redacted.value(authorization) })
})

/** Without what was sent, which an answer may repeat. */
const failed = (
  source: string,
  request: HttpRequest,
  reason: SourceErrors.SourceErrorReason,
  detail: string,
  retryAfter = Option.none<Duration.Duration>()
): SourceError =>
  SourceErrors.make(
    source,
    reason,
    `${SourceAnswer.placeOf(request)}: ${SourceAnswer.withoutSecrets(detail, request)}`,
    retryAfter
  )

const exchange = async (
  dispatcher: Dispatcher,
  source: string,
  request: HttpRequest,
  nowMillis: number,
  signal: AbortSignal
): Promise<SourceAnswer.Answer> => {
  const fail = (
    reason: SourceErrors.SourceErrorReason,
    detail: string,
    retryAfter?: Option.Option<Duration.Duration>
  ) => failed(source, request, reason, detail, retryAfter)
  const { origin } = new URL(request.url)
  let url = request.url
  for (let redirects = 0; redirects <= redirectsMax; redirects++) {
    const isSameOrigin = new URL(url).origin === origin
    const response = await httpRequest(url, {
      dispatcher,
      signal,
      method: request.method,
      headers: headersOf(request, isSameOrigin),
      ...(request.body === undefined ? {} : { body: Redacted.value(request.body) })
    })
    const status = response.statusCode
    if ((request.accepts ?? [200]).includes(status)) return SourceAnswer.read(response, request, fail)
    const location = SourceAnswer.headerText(response.headers["location"])
    if (isRedirect(status) && URL.canParse(location, url)) {
      const target = new URL(location, url)
      await response.body.dump()
      // The body of a POST is a secret.
      if (request.method === "POST" && (target.origin !== origin || status < 307)) {
        return Result.fail(fail("redirect", `status ${status} to ${target.origin}`))
      }
      if (!/^https?:$/.test(target.protocol)) return Result.fail(fail("redirect", `to ${target.protocol}`))
      url = target.href
      continue
    }
    const text = await SourceAnswer.shortTextOf(response.body, request)
    const retryAfter = retryAfterOf(SourceAnswer.headerText(response.headers["retry-after"]), nowMillis)
    return Result.fail(fail(reasonOf(status), `status ${status}${text === "" ? "" : `: ${text}`}`, retryAfter))
  }
  return Result.fail(fail("redirect", `more than ${redirectsMax} redirects`))
}

const backoff = Backoff.capped({ from: "200 millis", to: "5 seconds" })

const dispatcherOf = ({ endpoint, proxy, requestTimeout, skipVerify }: SourceHttpOptions): Dispatcher => {
  const timeoutMillis = Duration.toMillis(requestTimeout)
  const tls = {
    timeout: Duration.toMillis(connectTimeout),
    rejectUnauthorized: !skipVerify,
    ...(endpoint.startsWith("https:") ? { secureContext: TrustedRoots.context() } : {})
  }
  const agentOptions = {
    // One request at a time is under way, and one connection serves them all.
    connections: 2,
    connect: tls,
    headersTimeout: timeoutMillis,
    bodyTimeout: timeoutMillis,
    keepAliveTimeout: Duration.toMillis(Duration.seconds(30))
  }
  return proxy === undefined || !URL.canParse(proxy)
    ? new Agent(agentOptions)
    : new ProxyAgent({ ...agentOptions, uri: proxy, requestTls: tls })
}

/** Asks once. */
const overNetwork = (options: SourceHttpOptions) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => dispatcherOf(options)),
      (agent) => Effect.promise(() => agent.destroy().catch(() => undefined))
    ),
    (dispatcher) => (request: HttpRequest): Effect.Effect<SourceAnswer.Answer, SourceError> =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Effect.tryPromise({
          try: (signal) => exchange(dispatcher, options.name, request, now, signal),
          catch: failureOf(options.name, request)
        }))
  )

export const make = Effect.fnUntraced(function*(
  options: SourceHttpOptions
): Effect.fn.Return<SourceHttp, never, Scope.Scope> {
  const { name: source } = options
  const carried = yield* SourceCarrier.Current
  const once = carried === undefined
    ? yield* overNetwork(options)
    : (request: HttpRequest) => carried(source, request)
  const breaker = yield* CircuitBreaker.make({
    thresholds: { failed: 12 },
    openDuration: Duration.seconds(30)
    // Both are constants that the check accepts: no configuration reaches it.
  }).pipe(Effect.orDie)
  const turn = yield* Semaphore.make(1)
  let notBefore = 0

  /** At most so many requests per second; they wait in order, and not for a clock that was set back. */
  const paced = options.requestsPerSecond === 0 ? Effect.void : turn.withPermit(Effect.gen(function*() {
    const now = yield* Monotonic.millis
    const at = Math.max(now, notBefore)
    notBefore = at + 1000 / options.requestsPerSecond
    if (at > now) yield* Effect.sleep(at - now)
  }))

  const attempt = Effect.fnUntraced(function*<A>(
    request: HttpRequest,
    read: (answer: unknown) => Result.Result<A, Refused>
  ) {
    yield* paced
    request.elements?.reset()
    const answer = yield* once(request).pipe(
      Effect.timeoutOrElse({
        duration: attemptTimeout,
        orElse: () =>
          Effect.fail(
            SourceErrors.make(
              source,
              "timeout",
              `${SourceAnswer.placeOf(request)}: no whole answer within ${Duration.format(attemptTimeout)}`
            )
          )
      })
    )
    return yield* Effect.fromResult(
      Result.flatMap(
        answer,
        (text) =>
          Result.mapError(
            read(text),
            ({ detail, reason }) => failed(source, request, reason, detail)
          )
      )
    )
  })

  const guarded = <A>(request: HttpRequest, read: (answer: unknown) => Result.Result<A, Refused>) =>
    breaker.execute(attempt(request, read), {
      key: source,
      // Refusals are answers: only a source that cannot answer opens the circuit.
      classify: (cause) => {
        const error = Option.getOrUndefined(Exit.findErrorOption(Exit.failCause(cause)))
        if (error === undefined) return "ignored"
        return ["server_error", "timeout", "connection"].includes(error.reason) ? "failed" : "success"
      }
    }).pipe(
      Effect.catchTag(
        "CircuitBreakerError",
        (error) => Effect.fail(SourceErrors.make(source, "breaker_open", error.message))
      )
    )

  return {
    request: (request, read) =>
      guarded(request, read).pipe(
        Effect.tapError((error) => {
          const { retryAfter } = error
          // A source that says no for good may ask for as long a pause as it likes.
          if (Option.isNone(retryAfter) || !SourceErrors.isPassing(error)) return Effect.void
          return Effect.flatMap(
            Random.nextBetween(1, 1.1),
            (factor) => Effect.sleep(Duration.times(retryAfter.value, factor))
          )
        }),
        Effect.retry({ schedule: backoff, times: attemptsMax - 1, while: SourceErrors.isPassing })
      )
  }
})
