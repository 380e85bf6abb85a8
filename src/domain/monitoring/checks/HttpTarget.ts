/**
 * What an `http` check asks and what it expects: a plain URL, or a JSON object with the URL and options.
 *
 * `http` is new here: the Go agent has no such check, so the keys are ours and unknown ones are refused rather than
 * dropped, because a misspelt expectation would otherwise never be checked.
 */
import { Duration, Effect, Result, Schema, SchemaIssue } from "effect"
import { GoDuration } from "../../config/GoDuration.ts"
import * as SecretText from "../../config/SecretText.ts"
import { InvalidTarget } from "./ProbeTarget.ts"

const StatusCode = Schema.Int.check(Schema.isBetween({ minimum: 100, maximum: 599 }))

const HttpUrl = Schema.String.check(
  Schema.makeFilter((text: string) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    return url !== undefined && (url.protocol === "http:" || url.protocol === "https:")
      ? undefined
      : "expected an absolute http or https URL"
  })
)

const BodyPattern = Schema.String.check(
  Schema.makeFilter((text: string) =>
    Result.isSuccess(Result.try(() => new RegExp(text))) ? undefined : "expected a regular expression"
  )
)

export const HttpTarget = Schema.Struct({
  url: HttpUrl,
  method: Schema.Literals(["GET", "HEAD", "POST", "PUT", "OPTIONS"]).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed("GET" as const))
  ),
  /** One status or several; absent means any from 200 to 299. */
  expectedStatus: Schema.optionalKey(Schema.Union([StatusCode, Schema.NonEmptyArray(StatusCode)])),
  /** A regular expression that the beginning of the body must match. */
  bodyMatch: Schema.optionalKey(BodyPattern),
  headers: Schema.Record(Schema.String, Schema.String).pipe(Schema.withDecodingDefaultKey(Effect.succeed({}))),
  /** Sent as it is with POST and PUT. */
  body: Schema.optionalKey(Schema.String),
  timeout: GoDuration.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(Duration.seconds(10)))),
  /** How many redirects are followed; 0 takes the redirect itself as the answer. */
  maxRedirects: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 })).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed(5))
  ),
  /** Unavailable when the certificate has fewer days left. */
  certDaysMin: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
  /** PEM file with the certificate authorities to trust instead of the system's. */
  caFile: Schema.optionalKey(Schema.String),
  /** Accepts any certificate; its expiry is still reported. */
  insecureSkipVerify: Schema.Boolean.pipe(Schema.withDecodingDefaultKey(Effect.succeed(false)))
})
export type HttpTarget = typeof HttpTarget.Type

const expected = "an http or https URL, or a JSON object with url and optionally method, expectedStatus, bodyMatch, " +
  "headers, body, timeout, maxRedirects, certDaysMin, caFile, insecureSkipVerify"

const decode = Schema.decodeUnknownResult(HttpTarget, { onExcessProperty: "error", errors: "all" })

/** A URL without user name, password and parameters that are secrets, for everybody to read. */
export const withoutCredentials = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  // Left as it was written when there is nothing to hide.
  if (url === undefined || (url.username === "" && url.password === "")) return SecretText.inAddress(text)
  url.username = ""
  url.password = ""
  return SecretText.inAddress(url.href)
}

const harmlessKeys: ReadonlySet<string> = new Set(
  "method expectedStatus bodyMatch timeout maxRedirects certDaysMin caFile insecureSkipVerify".split(" ")
)

/** What an operator needs to know it again or find a mistake in it, without headers, bodies and passwords. */
export const presentable = (text: string): string => {
  if (!text.startsWith("{")) return withoutCredentials(text)
  const parsed = Result.getOrElse(Result.try((): unknown => JSON.parse(text)), () => undefined)
  if (typeof parsed !== "object" || parsed === null) return `{… ${text.length} characters that are no JSON object`
  const shown = Object.entries(parsed).map(([key, value]) => [
    key,
    key === "url" && typeof value === "string" ? withoutCredentials(value) : harmlessKeys.has(key) ? value : "…"
  ])
  return JSON.stringify(Object.fromEntries(shown))
}

/** Where it is wrong and what was expected there; what was given may be a secret. */
const problemsOf = ({ issue }: Schema.SchemaError): string =>
  SchemaIssue.makeFormatterStandardSchemaV1()(issue).issues.map(({ message, path = [] }) => {
    const key = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".")
    const expectation = message.replace(/, got .*$/s, "").replace(/^Unexpected key with value .*$/s, "no such key")
    return key === "" ? expectation : `${key}: ${expectation}`
  }).join("; ")

const decodeText = (text: string): Result.Result<HttpTarget, string> => {
  const document = text.startsWith("{")
    ? Result.try({ try: (): unknown => JSON.parse(text), catch: () => "it is no JSON" })
    : Result.succeed({ url: text })
  return Result.flatMap(document, (value) => Result.mapError(decode(value), problemsOf))
}

/** Reads the `details` of an `http` check. */
export const parse = (target: string): Result.Result<HttpTarget, InvalidTarget> => {
  const text = target.trim()
  return Result.mapError(
    decodeText(text),
    (problems) =>
      new InvalidTarget({ serviceType: "http", target: presentable(text), expected: `${expected} (${problems})` })
  )
}

/** `true` when the status code is one that the target expects. */
export const isExpectedStatus = (target: HttpTarget, statusCode: number): boolean => {
  if (target.expectedStatus === undefined) return statusCode >= 200 && statusCode <= 299
  return typeof target.expectedStatus === "number"
    ? target.expectedStatus === statusCode
    : target.expectedStatus.includes(statusCode)
}
