/**
 * JSON from bytes, made fit for PostgreSQL.
 *
 * Text there holds neither U+0000 nor half of a surrogate pair. Both can only come as escapes, so one search of the
 * raw text decides whether the (rare, slow) cleaning is needed.
 */
import { Result } from "effect"
import * as RowWeight from "../storing/RowWeight.ts"
import { objectsPerMessageMax, rowsPerMessageMax } from "../stream/EventMessage.ts"
import { fail, type Problem } from "./DecodeError.ts"

export type JsonObject = { readonly [key: string]: unknown }

/** Deeper nesting is refused: it would overflow the stack of whoever encodes or stores it. */
const depthMax = 128

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

/** What is wrong with the brackets outside strings: they nest too deep, or are too many. Holds for valid JSON. */
const excess = (text: string): string | undefined => {
  if (text.length < 2 * depthMax) return undefined
  let depth = 0
  let opened = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) at = stringEnd(text, at)
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > depthMax) return `expected at most ${depthMax} levels of nesting`
      if (++opened > objectsPerMessageMax) return `expected at most ${objectsPerMessageMax} objects and arrays`
    } else if (code === 0x7d || code === 0x5d) depth--
  }
  return undefined
}

/** Where the string ends that begins at `start`. */
const stringEnd = (text: string, start: number): number => {
  let end = text.indexOf("\"", start + 1)
  while (end > 0 && isEscaped(text, end)) end = text.indexOf("\"", end + 1)
  return end < 0 ? text.length : end
}

const isEscaped = (text: string, at: number): boolean => {
  let slashes = 0
  while (text.charCodeAt(at - 1 - slashes) === 0x5c) slashes++
  return slashes % 2 === 1
}

const unfitEscape = /\\u(?:0000|[dD][89a-fA-F])/

export const parse = (text: string): Result.Result<unknown, Problem> => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return fail([], "expected JSON")
  }
  const reason = excess(text)
  if (reason !== undefined) return fail([], reason)
  return Result.succeed(unfitEscape.test(text) ? clean(value) : value)
}

const utf8 = new TextDecoder()

export const parseBytes = (data: Uint8Array): Result.Result<unknown, Problem> => parse(utf8.decode(data))

/** JSON text of an object or array; an object or array that came as JSON text is taken as one; else null. */
export const jsonb = (value: unknown): string | null => {
  if (typeof value === "object" && value !== null) return JSON.stringify(value)
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return null
  const inner = Result.getOrUndefined(parse(value))
  return typeof inner === "object" && inner !== null ? JSON.stringify(inner) : null
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

/**
 * A row for each object: of an array, or of the object itself. All of them, or the first problem with its place. Ends
 * when the rows become too large together, before they fill the memory.
 */
export const eachObject = <Row extends object>(
  value: unknown,
  map: (object: JsonObject, index: number) => Result.Result<Row, Problem>
): Result.Result<ReadonlyArray<Row>, Problem> => {
  if (isObject(value)) return Result.map(map(value, 0), (row) => [row])
  if (!Array.isArray(value)) return fail([], "expected an object or an array of objects")
  if (value.length > rowsPerMessageMax) return fail([], `expected at most ${rowsPerMessageMax} objects`)
  const rows: Array<Row> = []
  let weight = 0
  for (let index = 0; index < value.length; index++) {
    const item: unknown = value[index]
    if (!isObject(item)) return fail([index], "expected an object")
    const row = map(item, index)
    if (Result.isFailure(row)) return fail([index, ...row.failure.path], row.failure.reason)
    rows.push(row.success)
    weight += RowWeight.ofRow(row.success)
    if (weight > RowWeight.weightMax) return fail([], RowWeight.problem)
  }
  return Result.succeed(rows)
}
