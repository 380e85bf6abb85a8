/** Filters: `field:value`, negated, compared, as a pattern, a list, or a group of several fields. */
import { Result } from "effect"
import { isKey, splitWord } from "./Controls.ts"
import type { Filter, Operator } from "./Query.ts"
import { type Answer, refuse, type Span } from "./SrqlError.ts"
import { slice, type Text } from "./Tokens.ts"
import * as Values from "./Values.ts"

export const listMax = 200
const groupDepthMax = 8

const signs = [[">=", "gte"], [">", "gt"], ["<=", "lte"], ["<", "lt"]] as const

const comparisonOf = ({ chars, literal }: Text): readonly [string, Operator] | undefined =>
  signs.find(([sign]) => chars.startsWith(sign) && ![...sign].some((_, at) => literal.has(at)))

const hasWildcard = ({ chars, literal }: Text): boolean => {
  for (let at = chars.indexOf("%"); at >= 0; at = chars.indexOf("%", at + 1)) if (!literal.has(at)) return true
  return false
}

const special = new Set(["%", "_", "\\"])

/**
 * What the database takes for a pattern: what was escaped stays so, and a backslash outside of quotes escapes as it does there.
 * None where that escapes nothing, which PostgreSQL refuses once a row gets that far.
 */
const patternOf = ({ chars, literal }: Text): string | undefined => {
  let pattern = ""
  for (let at = 0; at < chars.length; at++) {
    const isEscape = chars[at] === "\\" && !literal.has(at)
    if (isEscape && ++at === chars.length) return undefined
    const char = chars[at] ?? ""
    pattern += special.has(char) && (isEscape || literal.has(at)) ? `\\${char}` : char
  }
  return pattern
}

const isLiteral = (pattern: string): boolean => /^(?:\\.|[^%\\])*$/s.test(pattern)

const ofPattern = (text: Text, isNegated: boolean): Answer<Pick<Filter, "op" | "value">> => {
  const value = patternOf(text)
  if (value !== undefined && isLiteral(value)) {
    return Result.succeed({ op: isNegated ? "not_eq" : "eq", value: value.replaceAll(/\\(.)/gs, "$1") })
  }
  return value === undefined
    ? refuse({
      at: text.span,
      detail: `invalid pattern '${text.chars}'`,
      found: text.chars,
      expected: "a character after the last backslash"
    })
    : Result.succeed({ op: isNegated ? "not_like" : "like", value })
}

const ofScalar = (text: Text, isNegated: boolean): Answer<Pick<Filter, "op" | "value">> => {
  const comparison = comparisonOf(text)
  if (comparison !== undefined && isNegated) {
    return refuse({
      at: text.span,
      detail: "a comparison cannot be negated",
      found: text.chars,
      expected: "the opposite comparison, without !"
    })
  }
  if (comparison !== undefined) {
    return Result.succeed({ op: comparison[1], value: text.chars.slice(comparison[0].length) })
  }
  return hasWildcard(text)
    ? ofPattern(text, isNegated)
    : Result.succeed({ op: isNegated ? "not_eq" : "eq", value: text.chars })
}

interface Place {
  readonly field: string
  readonly key: Span
  readonly isNegated: boolean
  readonly depth: number
}

const ofGroup = (group: Values.Group, { depth, field, isNegated }: Place): Answer<ReadonlyArray<Filter>> => {
  const at = group.text.span
  if (isNegated) {
    return refuse({ at, detail: "a group cannot be negated", found: group.text.chars, expected: "! before its keys" })
  }
  if (depth >= groupDepthMax) {
    return refuse({
      at,
      detail: `groups nest at most ${groupDepthMax} deep`,
      found: group.text.chars,
      expected: "fewer brackets"
    })
  }
  const filters: Array<Filter> = []
  for (const word of group.words) {
    const parts = read(word, `${field}.`, depth + 1)
    if (Result.isFailure(parts)) return parts
    filters.push(...parts.success)
  }
  return Result.succeed(filters)
}

const ofValue = (value: Values.Value, place: Place): Answer<ReadonlyArray<Filter>> => {
  const { field, isNegated, key } = place
  if (value._tag === "Group") return ofGroup(value, place)
  const at = value.text.span
  if (value._tag === "Scalar") {
    return Result.map(ofScalar(value.text, isNegated), ({ op, value }) => [{ field, op, value, key, at }])
  }
  if (value.items.length > listMax) {
    return refuse({
      at,
      detail: `list filters support at most ${listMax} values`,
      found: `${value.items.length} values`,
      expected: `at most ${listMax}`
    })
  }
  const items = value.items.map(({ chars }) => chars)
  return Result.succeed([{ field, op: isNegated ? "not_in" : "in", value: items, key, at }])
}

/** `prefix` is that of the group around it. */
export const read = (word: Text, prefix = "", depth = 0): Answer<ReadonlyArray<Filter>> => {
  const parts = splitWord(word)
  if (parts === undefined) {
    return refuse({ at: word.span, detail: "missing ':' in token", found: word.chars, expected: "key:value" })
  }
  const isNegated = parts.key.chars.startsWith("!")
  const key = isNegated ? slice(parts.key, 1, parts.key.chars.length) : parts.key
  const field = `${prefix}${key.chars.toLowerCase()}`
  return isKey(field)
    ? ofValue(Values.read(parts.value), { field, key: key.span, isNegated, depth })
    : refuse({
      at: parts.key.span,
      detail: `unsupported filter field '${field}'`,
      found: key.chars,
      expected: "a field of letters, digits, _, . and -"
    })
}
