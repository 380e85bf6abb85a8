/**
 * One request to a source and what its answer holds: bounded in size, elements handed over one by one, and nothing of it
 * told with a secret in it.
 */
import type { Dispatcher } from "@effect/platform-node/Undici"
import { Predicate, Redacted, Result, Schema } from "effect"
import * as SecretText from "../../../domain/config/SecretText.ts"
import * as ArrayScanner from "../../../domain/inventory/ArrayScanner.ts"
import type * as SourceErrors from "../../../services/sync/SourceError.ts"
import type { SourceError } from "../../../services/sync/SourceError.ts"

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
    /** In place of one that is too long to be held. */
    readonly skip: () => void
    readonly reset: () => void
  }
}

export interface Refused {
  readonly reason: SourceErrors.SourceErrorReason
  readonly detail: string
}

const limits: ArrayScanner.ScannerLimits = { elementBytesMax: 1024 * 1024, restBytesMax: 1024 * 1024 }
/** Above this an answer is not held whole. */
const wholeBytesMax = 4 * 1024 * 1024
const bodyBytesMax = 512 * 1024 * 1024
const elementsMax = 100_000
const errorTextMax = 200
/** As much more is read as makes sure that no secret at the edge is cut before it is known. */
const errorBytesMax = 8_192
/** In characters; shorter words stand in any text. */
const secretLengthMin = 6

export type Answer = Result.Result<unknown, SourceError>

export const headerText = (value: string | ReadonlyArray<string> | undefined): string =>
  typeof value === "string" ? value : value?.[0] ?? ""

/** What a person needs of a failed request: never the query, which may be long, and never a header. */
export const placeOf = (request: HttpRequest): string => {
  const url = URL.parse(request.url)
  return `${request.method} ${url === null ? request.url : `${url.origin}${url.pathname}`}`
}

/** Tokens, keys and their parts, as they may stand in an answer that repeats what it was sent. */
const secretsOf = ({ authorization, body }: HttpRequest): ReadonlyArray<string> =>
  [authorization, body].flatMap((one) => {
    if (one === undefined) return []
    const text = Redacted.value(one)
    const parts = [text, ...text.split(/[\s&]+/), ...new URLSearchParams(text).values()]
    return parts.flatMap((part) => [part, part.slice(part.indexOf("=") + 1)])
  }).filter((part) => part.length >= secretLengthMin).toSorted((one, other) => other.length - one.length)

/** Whatever came may repeat what was sent. */
export const withoutSecrets = (text: string, request: HttpRequest): string =>
  secretsOf(request).reduce((masked, secret) => masked.replaceAll(secret, SecretText.redacted), text)

export const shortTextOf = async (body: AsyncIterable<Uint8Array>, request: HttpRequest): Promise<string> => {
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

/** The elements of a whole document. */
const elementsOf = (document: unknown, { path }: NonNullable<HttpRequest["elements"]>): ReadonlyArray<unknown> => {
  let place = document
  for (const key of path) place = Predicate.hasProperty(place, key) ? place[key] : undefined
  return Array.isArray(place) ? place : []
}

/** What a whole document holds, its elements handed over. */
export const whole = (document: unknown, { elements }: HttpRequest): Answer => {
  if (elements !== undefined) { for (const element of elementsOf(document, elements)) elements.take(element) }
  return Result.succeed(document)
}

/** What a proxy or a login page gives away of itself. */
const formOf = (headers: Dispatcher.ResponseData["headers"]): string =>
  ["content-type", "content-encoding"].flatMap((name) => {
    const value = headerText(headers[name])
    return value === "" ? [] : [`; ${name} ${value}`]
  }).join("")

/** Small answers are parsed whole; a large one element by element, as it comes. */
export const read = async (
  { body, headers }: Pick<Dispatcher.ResponseData, "body" | "headers">,
  request: HttpRequest,
  failed: (reason: SourceErrors.SourceErrorReason, detail: string) => SourceError
): Promise<Answer> => {
  const { elements } = request
  const undecodable = (bytes: number) =>
    Result.fail(failed("undecodable", `after ${bytes} bytes the answer is no JSON object${formOf(headers)}`))
  const tooMuch = () =>
    Result.fail(failed("too_large", `an answer of more than ${bodyBytesMax} bytes or ${elementsMax} elements`))
  let count = 0
  let bytes = 0
  let isJson = true
  let start: Array<Uint8Array> | undefined = []
  const scanner = ArrayScanner.make(elements?.path ?? [""], limits, (text) => {
    count += 1
    const element = text === undefined ? undefined : parse(text)
    if (element === undefined) elements?.skip()
    else if (Result.isFailure(element)) isJson = false
    else elements?.take(element.success)
  })
  for await (const part of body) {
    bytes += part.length
    if (bytes > bodyBytesMax || count > elementsMax) return tooMuch()
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
  if (start !== undefined && elements !== undefined) {
    const found = elementsOf(document.success, elements)
    if (found.length > elementsMax) return tooMuch()
    for (const element of found) elements.take(element)
  }
  return Result.succeed(document.success)
}
