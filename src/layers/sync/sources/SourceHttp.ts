/**
 * HTTP to one source: bounded in time and size, repeated where that helps, and never giving the token to another host.
 *
 * A large page is parsed as it arrives (`ArrayScanner`): elements are handed over one by one, the body is never whole.
 * An answer that is cut off, undecodable, 429 or 5xx is asked for again, a few times with growing pauses or the pause
 * that the source asks for; the breaker of the source stops asking when it fails for good.
 */
import { Agent, type Dispatcher, request as httpRequest } from "@effect/platform-node/Undici"
import {
  Clock,
  Duration,
  Effect,
  Exit,
  Option,
  Predicate,
  Random,
  Redacted,
  Result,
  Schema,
  type Scope,
  Semaphore
} from "effect"
import * as Backoff from "../../../domain/backoff/Backoff.ts"
import * as SecretText from "../../../domain/config/SecretText.ts"
import * as ArrayScanner from "../../../domain/inventory/ArrayScanner.ts"
import type { SourceConfig } from "../../../domain/sync/SyncConfig.ts"
import * as CircuitBreaker from "../../../services/breaker/CircuitBreaker.ts"
import * as SourceErrors from "../../../services/sync/SourceError.ts"
import type { SourceError } from "../../../services/sync/SourceError.ts"

export type SourceHttpOptions = Pick<SourceConfig, "name" | "skipVerify" | "requestsPerSecond" | "requestTimeout">

export interface HttpRequest {
  readonly method: "GET" | "POST"
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Given to the host of `url` only. */
  readonly authorization?: Redacted.Redacted
  readonly body?: Redacted.Redacted
  /** Statuses of a good answer; 200 unless told. */
  readonly accepts?: ReadonlyArray<number>
  /** Whether the answer may be empty: `read` is then given undefined. */
  readonly isAnswerOptional?: boolean
  /**
   * Where the elements of the answer are, and who takes them; without it the answer is small. `reset` is called before
   * each attempt, to forget what a failed one brought.
   */
  readonly elements?: {
    readonly path: ReadonlyArray<string>
    readonly take: (value: unknown) => void
    readonly reset: () => void
  }
}

export interface Refused {
  readonly reason: SourceErrors.SourceErrorReason
  readonly detail: string
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
const limits: ArrayScanner.ScannerLimits = { elementBytesMax: 1024 * 1024, restBytesMax: 1024 * 1024 }
/** Above this an answer is not held whole. */
const wholeBytesMax = 4 * 1024 * 1024
const bodyBytesMax = 512 * 1024 * 1024
const elementsMax = 100_000
const retryAfterMax = Duration.minutes(2)
const attemptsMax = 4
const errorTextMax = 200
/** As much more is read as makes sure that no secret at the edge is cut before it is known. */
const errorBytesMax = 8_192
/** In characters; shorter words stand in any text. */
const secretLengthMin = 6

type Answer = Result.Result<unknown, SourceError>

const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status)

const headerText = (value: string | ReadonlyArray<string> | undefined): string =>
  typeof value === "string" ? value : value?.[0] ?? ""

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

/** What a person needs of a failed request: never the query, which may be long, and never a header. */
const placeOf = (request: HttpRequest): string => {
  const url = URL.parse(request.url)
  return `${request.method} ${url === null ? request.url : `${url.origin}${url.pathname}`}`
}

const failureOf = (source: string, request: HttpRequest) => (cause: unknown): SourceError => {
  const code = codeOf(cause)
  const text = cause instanceof Error ? cause.message : String(cause)
  const detail = `${placeOf(request)}: ${code === "" || text.includes(code) ? text : `${code}: ${text}`}`
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

/** Tokens, keys and their parts, as they may stand in an answer that repeats what it was sent. */
const secretsOf = ({ authorization, body }: HttpRequest): ReadonlyArray<string> =>
  [authorization, body].flatMap((one) => {
    if (one === undefined) return []
    const text = Redacted.value(one)
    const parts = [text, ...text.split(/[\s&]+/), ...new URLSearchParams(text).values()]
    return parts.flatMap((part) => [part, part.slice(part.indexOf("=") + 1)])
  }).filter((part) => part.length >= secretLengthMin).toSorted((one, other) => other.length - one.length)

const withoutSecrets = (text: string, request: HttpRequest): string =>
  secretsOf(request).reduce((masked, secret) => masked.replaceAll(secret, SecretText.redacted), text)

const shortTextOf = async (body: AsyncIterable<Uint8Array>, request: HttpRequest): Promise<string> => {
  const parts: Array<Uint8Array> = []
  let length = 0
  for await (const part of body) {
    parts.push(part)
    length += part.length
    if (length > errorBytesMax) break
  }
  return withoutSecrets(Buffer.concat(parts).toString("utf8"), request).slice(0, errorTextMax).replaceAll(/\s+/g, " ")
    .trim()
}

const parse = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))

/** The elements out of a whole document, which is left without them. */
const takeElements = (document: unknown, { path, take }: NonNullable<HttpRequest["elements"]>): void => {
  let place = document
  for (const key of path) place = Predicate.hasProperty(place, key) ? place[key] : undefined
  if (Array.isArray(place)) { for (const element of place) take(element) }
}

/** Small answers are parsed whole; a large one element by element, as it comes. */
const readAnswer = async (
  body: AsyncIterable<Uint8Array>,
  request: HttpRequest,
  failed: (reason: SourceErrors.SourceErrorReason, detail: string) => SourceError
): Promise<Answer> => {
  const { elements } = request
  const undecodable = (bytes: number) =>
    Result.fail(failed("undecodable", `after ${bytes} bytes the answer is no JSON object`))
  let count = 0
  let bytes = 0
  let isJson = true
  let start: Array<Uint8Array> | undefined = []
  const scanner = ArrayScanner.make(elements?.path ?? [""], limits, (text) => {
    count += 1
    const element = parse(text)
    if (Result.isFailure(element)) isJson = false
    else elements?.take(element.success)
  })
  for await (const part of body) {
    bytes += part.length
    if (bytes > bodyBytesMax || count > elementsMax) {
      return Result.fail(failed("too_large", `an answer of more than ${bodyBytesMax} bytes or ${elementsMax} elements`))
    }
    if (start !== undefined && bytes <= wholeBytesMax) {
      start.push(part)
      continue
    }
    const parts = [...start ?? [], part]
    start = undefined
    for (const one of parts) if (!scanner.push(one) || !isJson) return undecodable(bytes)
  }
  const rest = start === undefined ? scanner.end() : Buffer.concat(start).toString("utf8")
  const document = rest === undefined ? Result.fail(undefined) : parse(rest)
  if (Result.isFailure(document)) {
    return request.isAnswerOptional === true && bytes === 0 ? Result.succeed(undefined) : undecodable(bytes)
  }
  if (start !== undefined && elements !== undefined) takeElements(document.success, elements)
  return Result.succeed(document.success)
}

const headersOf = ({ authorization, headers }: HttpRequest, isSameOrigin: boolean): Record<string, string> => ({
  ...headers,
  ...(authorization === undefined || !isSameOrigin ? {} : { authorization: Redacted.value(authorization) })
})

const exchange = async (
  dispatcher: Dispatcher,
  source: string,
  request: HttpRequest,
  nowMillis: number,
  signal: AbortSignal
): Promise<Answer> => {
  const failed = (
    reason: SourceErrors.SourceErrorReason,
    detail: string,
    retryAfter = Option.none<Duration.Duration>()
  ) => SourceErrors.make(source, reason, `${placeOf(request)}: ${detail}`, retryAfter)
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
    if ((request.accepts ?? [200]).includes(status)) return readAnswer(response.body, request, failed)
    const location = headerText(response.headers["location"])
    if (isRedirect(status) && URL.canParse(location, url)) {
      const target = new URL(location, url)
      await response.body.dump()
      // The body of a POST is a secret.
      if (request.method === "POST" && (target.origin !== origin || status < 307)) {
        return Result.fail(failed("redirect", `status ${status} to ${target.origin}`))
      }
      if (!/^https?:$/.test(target.protocol)) return Result.fail(failed("redirect", `to ${target.protocol}`))
      url = target.href
      continue
    }
    const text = await shortTextOf(response.body, request)
    const retryAfter = retryAfterOf(headerText(response.headers["retry-after"]), nowMillis)
    return Result.fail(failed(reasonOf(status), `status ${status}${text === "" ? "" : `: ${text}`}`, retryAfter))
  }
  return Result.fail(failed("redirect", `more than ${redirectsMax} redirects`))
}

const backoff = Backoff.capped({ from: "200 millis", to: "5 seconds" })

export const make = Effect.fnUntraced(function*(
  options: SourceHttpOptions
): Effect.fn.Return<SourceHttp, never, Scope.Scope> {
  const { name: source } = options
  const timeoutMillis = Duration.toMillis(options.requestTimeout)
  const dispatcher = yield* Effect.acquireRelease(
    Effect.sync(() =>
      new Agent({
        // One request at a time is under way, and one connection serves them all.
        connections: 2,
        connect: { timeout: Duration.toMillis(connectTimeout), rejectUnauthorized: !options.skipVerify },
        headersTimeout: timeoutMillis,
        bodyTimeout: timeoutMillis,
        keepAliveTimeout: Duration.toMillis(Duration.seconds(30))
      })
    ),
    (agent) => Effect.promise(() => agent.destroy().catch(() => undefined))
  )
  const breaker = yield* CircuitBreaker.make({
    thresholds: { failed: 12 },
    openDuration: Duration.seconds(30)
    // Both are constants that the check accepts: no configuration reaches it.
  }).pipe(Effect.orDie)
  const turn = yield* Semaphore.make(1)
  let notBefore = 0

  /** At most so many requests per second; they wait in order. */
  const paced = options.requestsPerSecond === 0 ? Effect.void : turn.withPermit(Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
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
    const now = yield* Clock.currentTimeMillis
    const answer = yield* Effect.tryPromise({
      try: (signal) => exchange(dispatcher, source, request, now, signal),
      catch: failureOf(source, request)
    }).pipe(
      Effect.timeoutOrElse({
        duration: attemptTimeout,
        orElse: () =>
          Effect.fail(
            SourceErrors.make(
              source,
              "timeout",
              `${placeOf(request)}: no whole answer within ${Duration.format(attemptTimeout)}`
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
            ({ detail, reason }) => SourceErrors.make(source, reason, `${placeOf(request)}: ${detail}`)
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
        Effect.tapError(({ retryAfter }) =>
          Option.isNone(retryAfter)
            ? Effect.void
            : Effect.flatMap(Random.nextBetween(1, 1.1), (factor) =>
              Effect.sleep(Duration.times(retryAfter.value, factor)))
        ),
        Effect.retry({ schedule: backoff, times: attemptsMax - 1, while: SourceErrors.isPassing })
      )
  }
})
