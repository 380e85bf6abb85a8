/**
 * What an `http` check asks and what it expects: a plain URL, or a JSON object with the URL and options.
 *
 * `http` is new here: the Go agent has no such check, so the keys are ours and unknown ones are refused rather than
 * dropped, because a misspelt expectation would otherwise never be checked.
 */
import { Result, Schema } from "effect"
import * as Details from "./details/Details.ts"
import type { InvalidTarget } from "./ProbeTarget.ts"

const StatusCode = Schema.Int.check(Schema.isBetween({ minimum: 100, maximum: 599 }))

const HttpUrl = Schema.String.check(
  Schema.makeFilter((text: string) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    return url !== undefined && (url.protocol === "http:" || url.protocol === "https:")
      ? undefined
      : "expected an absolute http or https URL"
  })
)

const ProxyUrl = Schema.String.check(
  Schema.makeFilter((text: string) =>
    (URL.canParse(text) && new URL(text).protocol === "http:") || "expected an absolute http URL"
  )
)

/** A token (RFC 9110, 5.6.2), and what a field's value may hold (5.5). */
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/

/** The value may be a secret, and is not told. */
const Headers = Schema.Record(Schema.String, Schema.String).check(
  Schema.makeFilter((headers: Readonly<Record<string, string>>) => {
    const wrong = Object.entries(headers).find(([name, value]) => !headerName.test(name) || !headerValue.test(value))
    if (wrong === undefined) return undefined
    const [name] = wrong
    return headerName.test(name)
      ? `the value of ${name} has characters that no header's may have, such as an end of line`
      : `expected the name of a header, not ${JSON.stringify(name)}`
  })
)

export const HttpTarget = Schema.Struct({
  url: Details.required(HttpUrl, "an absolute http or https URL", { shows: "withoutCredentials" }),
  method: Details.orElse(Schema.Literals(["GET", "HEAD", "POST", "PUT", "OPTIONS"]), "GET", "the method", {
    shows: "whole"
  }),
  expectedStatus: Details.optional(
    Schema.Union([StatusCode, Schema.NonEmptyArray(StatusCode)]),
    "one status or several; absent means any from 200 to 299",
    { shows: "whole" }
  ),
  bodyMatch: Details.optional(
    Details.Pattern,
    "a regular expression that must match in the first 16 million characters of the body",
    { shows: "whole" }
  ),
  jsonPath: Details.orElse(
    Schema.Record(Schema.String, Schema.Json),
    {},
    "JSON paths that lead to one place each, with the value that must be there: `{\"$.checks[0].state\": \"up\"}`; the body " +
      "may have at most 1,048,576 characters then"
  ),
  headers: Details.orElse(
    Headers,
    {},
    "sent along, and after redirects to the same origin"
  ),
  body: Details.optional(Schema.String, "sent as it is with POST and PUT"),
  timeout: Details.timeout("10 seconds"),
  httpVersion: Details.orElse(
    Schema.Literals(["1.1", "2", "auto"]),
    "1.1",
    "`2` fails where the server does not speak it; without TLS it is spoken without asking. `auto` takes it where the " +
      "server offers it with TLS",
    { shows: "whole" }
  ),
  proxy: Details.optional(
    ProxyUrl,
    "the URL of an HTTP proxy, with name and password where it wants them: `http://proxy:3128`",
    { shows: "withoutCredentials" }
  ),
  maxRedirects: Details.orElse(
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 })),
    5,
    "how many redirects are followed; 0 takes the redirect itself as the answer",
    { shows: "whole" }
  ),
  certDaysMin: Details.optional(
    Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
    "not available when a certificate of the chain has fewer days left",
    { shows: "whole" }
  ),
  caFile: Details.optional(
    Schema.String,
    "PEM file on the agent's host with the certificate authorities to trust instead of the system's",
    { shows: "whole" }
  ),
  insecureSkipVerify: Details.orElse(
    Schema.Boolean,
    false,
    "accept any certificate; its expiry is reported all the same",
    { shows: "whole" }
  )
})
export type HttpTarget = typeof HttpTarget.Type

const format: Details.Format<HttpTarget> = {
  serviceType: "http",
  schema: HttpTarget,
  bare: (text) => Result.succeed({ url: text }),
  bareForm: "an http or https URL"
}

/** What an operator needs to know it again or find a mistake in it, without headers, bodies and passwords. */
export const presentable = (text: string): string => Details.presentable(format, text)

export const withoutCredentials = Details.withoutCredentials

/** Reads the `details` of an `http` check. */
export const parse: (target: string) => Result.Result<HttpTarget, InvalidTarget> = Details.parse(format)

/** `true` when the status code is one that the target expects. */
export const isExpectedStatus = (target: HttpTarget, statusCode: number): boolean => {
  if (target.expectedStatus === undefined) return statusCode >= 200 && statusCode <= 299
  return typeof target.expectedStatus === "number"
    ? target.expectedStatus === statusCode
    : target.expectedStatus.includes(statusCode)
}
