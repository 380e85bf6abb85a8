/**
 * JSON from bytes, made fit for PostgreSQL and for JavaScript.
 *
 * Text in PostgreSQL holds neither U+0000 nor half of a surrogate pair. Both can only come as escapes, so one search of
 * the raw text decides whether the (rare, slow) cleaning is needed. Large numbers keep their digits as text (`JsonText`).
 * Secrets are left out.
 */
import { Result } from "effect"
import { fail, type Problem } from "./DecodeError.ts"
import * as JsonText from "./JsonText.ts"
import * as Secrets from "./Secrets.ts"

export type JsonObject = { readonly [key: string]: unknown }

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The text without what PostgreSQL refuses. */
export const cleanText = (text: string): string => {
  const whole = text.includes("\0") ? text.replaceAll("\0", "") : text
  return whole.isWellFormed() ? whole : whole.toWellFormed()
}

const clean = (value: unknown): unknown => {
  if (typeof value === "string") return cleanText(value)
  if (Array.isArray(value)) return value.map(clean)
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, one]) => [cleanText(key), clean(one)]))
    : value
}

const leftOut = Symbol("left out")

/** The same value where there is nothing to leave out, as there mostly is not. */
export const withoutSecrets = (value: unknown): unknown => {
  if (Array.isArray(value)) {
    if (Secrets.isSecretTuple(value)) return value.slice(0, -1)
    const items = value.map(withoutSecrets)
    return items.some((item, at) => item !== value[at]) ? items : value
  }
  if (!isObject(value)) return value
  const isVariable = Secrets.isSecretVariable(value)
  const isLeftOut = (key: string): boolean =>
    (isVariable && Secrets.isValueKey(key)) || (value[key] !== null && Secrets.isSecretKey(key))
  // Each member is looked at once: twice at each level would be without end for what is deep inside.
  const kept: Array<readonly [string, unknown]> = []
  let isChanged = false
  for (const key of Object.keys(value)) {
    const member = isLeftOut(key) ? leftOut : withoutSecrets(value[key])
    if (member !== value[key]) isChanged = true
    if (member !== leftOut) kept.push([key, member])
  }
  return isChanged ? Object.fromEntries(kept) : value
}

const unfitEscape = /\\u(?:0000|[dD][89a-fA-F])/

/** Whether the first line is a JSON value of its own, as in NDJSON. */
const isLines = (text: string): boolean => {
  const end = text.trimStart().indexOf("\n")
  return end > 0 && Result.isSuccess(Result.try((): unknown => JSON.parse(text.trimStart().slice(0, end))))
}

/** All that is in the text, secrets too: to compare, not to store. */
export const parseWhole = (text: string): Result.Result<unknown, Problem> => {
  const fit = JsonText.fit(text)
  if (Result.isFailure(fit)) return Result.fail(fit.failure)
  let value: unknown
  try {
    value = JSON.parse(fit.success)
  } catch {
    return fail([], isLines(fit.success) ? "expected one JSON value, got one on each line" : "expected JSON")
  }
  return Result.succeed(text.includes("\\u") && unfitEscape.test(text) ? clean(value) : value)
}

export const parse = (text: string): Result.Result<unknown, Problem> =>
  Secrets.isSuspect(text) ? Result.map(parseWhole(text), withoutSecrets) : parseWhole(text)

const utf8 = new TextDecoder()

/** Some senders end a message with NUL, as GELF does over TCP. */
export const trimEnd = (data: Uint8Array): Uint8Array => {
  let end = data.length
  while (end > 0 && data[end - 1] === 0) end--
  return end === data.length ? data : data.subarray(0, end)
}

/** A byte order mark does not count. */
const textOf = (data: Uint8Array): string => utf8.decode(data)

export const parseBytes = (data: Uint8Array): Result.Result<unknown, Problem> => parse(textOf(trimEnd(data)))

/** JSON text of an object or array; an object or array that came as JSON text is taken as one; else null. */
export const jsonb = (value: unknown): string | null => {
  if (typeof value === "object" && value !== null) return JSON.stringify(value)
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return null
  const inner = Result.getOrUndefined(parse(value))
  return typeof inner === "object" && inner !== null ? JSON.stringify(inner) : null
}

const isEmpty = (value: unknown): boolean =>
  value === null || value === "" || (typeof value === "object" && Object.keys(value).length === 0)

const prunedMember = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(prunedMember) : isObject(value) ? prune(value, isEmpty) : value

const prune = (object: JsonObject, isLeftOut: (value: unknown) => boolean): JsonObject =>
  Object.fromEntries(
    Object.entries(object).map(([key, value]) => [key, prunedMember(value)] as const)
      .filter(([, value]) => !isLeftOut(value))
  )

const mayBeEmpty = /[:[,](?:null|""|\{\}|\[\])/

/** JSON text without what is empty inside of members, and without the members that then are. */
export const prunedText = (object: JsonObject): string => {
  const text = JSON.stringify(object)
  if (!mayBeEmpty.test(text)) return text
  return JSON.stringify(prune(object, (value) => typeof value === "object" && value !== null && isEmpty(value)))
}

/** Assigning `__proto__` would set the object's prototype instead. */
export const put = (object: Record<string, unknown>, key: string, value: unknown): void => {
  if (key === "__proto__") {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  } else object[key] = value
}

/** An object, also as JSON text. */
export const objectOf = (value: unknown): JsonObject | undefined => {
  const inner = typeof value === "string" && /^\s*\{/.test(value) ? Result.getOrUndefined(parse(value)) : value
  return isObject(inner) ? inner : undefined
}

/**
 * A document that has `kept` too, where it says nothing else of it; one that is no object then becomes its member `name`,
 * as does a single value, which is no document.
 */
export const documentWith = (document: unknown, kept: JsonObject, name: string): string | null => {
  const isAlone = Object.keys(kept).length === 0
  if (document === undefined || document === null || document === "") return isAlone ? null : JSON.stringify(kept)
  const given = objectOf(document)
  if (given !== undefined) return JSON.stringify(isAlone ? given : { ...kept, ...given })
  return (isAlone ? jsonb(document) : null) ?? JSON.stringify({ ...kept, [name]: document })
}

/** What a text column holds of any JSON value: text as it is, objects and arrays as JSON, nothing for null. */
export const textValue = (value: unknown): string | null =>
  typeof value === "string"
    ? value
    : value === null || value === undefined
    ? null
    : typeof value === "object"
    ? JSON.stringify(value)
    : String(value)
