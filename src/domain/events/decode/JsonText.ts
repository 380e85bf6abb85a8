/**
 * JSON text, made fit for a parser whose numbers are doubles and whose readers have a stack: whole numbers that a double
 * cannot hold become text with all of their digits, as 64-bit integers do in protobuf's JSON, and what nests too deep or
 * has too many objects is refused.
 *
 * Nearly every message has nothing of it, which a few searches tell; only where they are in doubt is every character
 * outside of strings looked at. All holds for valid JSON; what is none, the parser refuses.
 */
import { Result } from "effect"
import { objectsPerMessageMax } from "../stream/EventMessage.ts"
import { fail, type Problem } from "./DecodeError.ts"

/** Deeper nesting is refused: it would overflow the stack of whoever encodes or stores it. */
const depthMax = 128

/** With fewer digits a whole number is less than 2^53. */
const digitsMin = 16

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39

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

/** Whether `character` is there more than `max` times, in strings too. */
const hasMore = (text: string, character: string, max: number): boolean => {
  let count = 0
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) {
    if (++count > max) return true
  }
  return false
}

/** A number may be infinite as a double; hexadecimal ids look like it, too. */
const largeExponent = /\d[eE]\+?\d{3}/

/** Whether a character may stand before a number outside of strings. */
const beginsNumber = (code: number): boolean =>
  code === 0x3a || code === 0x2c || code === 0x5b || code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09

/** What stands between two strings, and never is all of a key that says something. */
const betweenStrings = /^[\s,:{}[\]\d.eE+\-truefalsn]*$/

/** Whether `":` before a number ends a key: else the quote would begin a string, with all before it between two strings. */
const isBehindKey = (text: string, colon: number): boolean => {
  const quote = colon - 1
  if (text.charCodeAt(colon) !== 0x3a || text.charCodeAt(quote) !== 0x22 || text.charCodeAt(quote - 1) === 0x5c) {
    return false
  }
  const before = text.lastIndexOf("\"", quote - 1)
  return before >= 0 && !betweenStrings.test(text.slice(before + 1, quote))
}

const none: ReadonlyArray<number> = []

/**
 * Where numbers with that many digits begin, by a look at every sixteenth character; undefined when one of them may be in
 * a string.
 */
const longNumbers = (text: string): ReadonlyArray<number> | undefined => {
  let found: Array<number> | undefined
  for (let at = digitsMin - 1; at < text.length; at += digitsMin) {
    if (!isDigit(text.charCodeAt(at))) continue
    let begin = at
    while (begin > 0 && isDigit(text.charCodeAt(begin - 1))) begin--
    let end = at + 1
    while (isDigit(text.charCodeAt(end))) end++
    if (end - begin < digitsMin) continue
    const start = text.charCodeAt(begin - 1) === 0x2d ? begin - 1 : begin
    // Else it is a fraction, or within a string.
    if (start > 0 && !beginsNumber(text.charCodeAt(start - 1))) continue
    if (!isBehindKey(text, start - 1)) return undefined
    if (found?.at(-1) !== start) (found ??= []).push(start)
  }
  return found ?? none
}

const number = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y

const quoteUnsafe = (digits: string): string => {
  const read = Number(digits)
  return Number.isSafeInteger(read) || (Number.isFinite(read) && /[.eE]/.test(digits)) ? digits : `"${digits}"`
}

/** The same JSON with the numbers that begin there as text. */
const withText = (text: string, starts: ReadonlyArray<number>): string => {
  let quoted = ""
  let at = 0
  for (const start of starts) {
    if (start < at) continue
    number.lastIndex = start
    const digits = number.exec(text)?.[0] ?? ""
    quoted += text.slice(at, start) + quoteUnsafe(digits)
    at = start + digits.length
  }
  return quoted + text.slice(at)
}

const inNumber = /[\d.eE+-]/

const startOf = (text: string, at: number): number => {
  let start = at
  while (start > 0 && inNumber.test(text.charAt(start - 1))) start--
  return start
}

/** One look at all that stands outside of strings. */
const surveyed = (text: string): Result.Result<string, Problem> => {
  const starts: Array<number> = []
  let depth = 0
  let opened = 0
  let digits = 0
  let isExponent = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (isDigit(code)) {
      digits += 1
      if (digits === (isExponent ? 3 : digitsMin)) starts.push(startOf(text, at))
      continue
    }
    if (code === 0x22) at = stringEnd(text, at)
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > depthMax) return fail([], `expected at most ${depthMax} levels of nesting`)
      if (++opened > objectsPerMessageMax) {
        return fail([], `expected at most ${objectsPerMessageMax} objects and arrays`)
      }
    } else if (code === 0x7d || code === 0x5d) depth--
    if (code === 0x65 || code === 0x45) isExponent = digits !== 0
    else if (code !== 0x2b) isExponent = false
    // Digits behind the point are a fraction, however many.
    digits = code === 0x2e ? -text.length : 0
  }
  return Result.succeed(starts.length === 0 ? text : withText(text, starts))
}

export const fit = (text: string): Result.Result<string, Problem> => {
  if (hasMore(text, "{", depthMax / 2) || hasMore(text, "[", depthMax / 2) || largeExponent.test(text)) {
    return surveyed(text)
  }
  const starts = longNumbers(text)
  return starts === undefined ? surveyed(text) : Result.succeed(starts.length === 0 ? text : withText(text, starts))
}
