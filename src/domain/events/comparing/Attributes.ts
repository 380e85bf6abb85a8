/**
 * Attributes held against each other as maps, whether they are JSON or `k=v,k=v`, as the Go services flatten them.
 *
 * The flat form has no types and no escapes, and the Go services leave out of it what is false, zero, a list or a map, and
 * write six digits of each fraction. Two maps in JSON are equal only when every value is.
 */
import { Result } from "effect"
import * as Json from "../decode/Json.ts"
import * as CanonicalText from "./CanonicalText.ts"
import { reasons } from "./Reasons.ts"

type Pair = readonly [key: string, value: unknown]

export interface Attributes {
  readonly isFlat: boolean
  readonly pairs: ReadonlyArray<Pair>
}

/** A part without `=` belongs to the value before it, which had a comma. None when it is no such text. */
const flat = (parts: ReadonlyArray<string>): Attributes | undefined => {
  const pairs: Array<readonly [string, string]> = []
  for (const part of parts) {
    const at = part.indexOf("=")
    const last = pairs.at(-1)
    if (at > 0) pairs.push([part.slice(0, at).trim(), part.slice(at + 1)])
    else if (last === undefined) return undefined
    else pairs[pairs.length - 1] = [last[0], `${last[1]},${part}`]
  }
  return { isFlat: true, pairs }
}

/** From a value in JSON: a map, or a list of `k=v`. */
export const ofValue = (value: unknown): Attributes | undefined =>
  Json.isObject(value)
    ? { isFlat: false, pairs: Object.entries(value) }
    : Array.isArray(value)
    ? flat(value.map(String))
    : undefined

/** None when the text is neither. */
export const read = (text: string): Attributes | undefined =>
  /^\s*\{/.test(text) ? ofValue(Result.getOrUndefined(Json.parseWhole(text))) : flat(text.split(","))

/** The same text for equal maps of one form; null when there is nothing in them. */
export const canonical = (text: string): string | null => {
  const found = read(text)
  if (found === undefined) return text
  if (found.pairs.length === 0) return null
  return found.isFlat
    ? found.pairs.map(([key, value]) => `${key}=${String(value)}`).sort().join(",")
    : CanonicalText.ofValue(Object.fromEntries(found.pairs))
}

const flatText = (value: unknown): string =>
  typeof value === "object" && value !== null
    ? JSON.stringify(value).replaceAll(",", ";")
    : Json.textValue(value) ?? ""

const number = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i

type Verdict = "equal" | "other" | string

const ofValues = (left: string, right: string): Verdict => {
  if (left === right) return "equal"
  if (!number.test(left) || !number.test(right) || !/\.\d{6}$/.test(left)) return "other"
  // Beyond 2^53 two numbers may be the same double.
  if (Number(left) === Number(right)) return Math.abs(Number(left)) < 2 ** 53 ? "equal" : "other"
  return Number(right).toFixed(6) === left ? reasons.fractions : "other"
}

const isLeftOut = (value: unknown): boolean => /^(?:false|0|0\.0+|[[{].*)$/s.test(flatText(value))

/** `left` of the Go services against `right` of another writer: equal, the reasons why they differ, or none. */
export const difference = (left: Attributes, right: Attributes): ReadonlyArray<string> | undefined => {
  const [one, other] = [new Map(left.pairs), new Map(right.pairs)]
  if (!left.isFlat && !right.isFlat) return undefined
  if (one.size !== left.pairs.length || other.size !== right.pairs.length) return undefined
  const verdicts = Array.from(new Set([...one.keys(), ...other.keys()]), (key): Verdict => {
    const [mine, theirs] = [one.get(key), other.get(key)]
    if (one.has(key) && other.has(key)) return ofValues(flatText(mine), flatText(theirs))
    const [lonely, isMissingInFlat] = one.has(key) ? [mine, right.isFlat] : [theirs, left.isFlat]
    // The flat form has nothing for a null or an empty text.
    if (flatText(lonely) === "") return "equal"
    return isMissingInFlat && isLeftOut(lonely) ? reasons.leftOut : "other"
  })
  if (verdicts.includes("other")) return undefined
  return Array.from(new Set(verdicts.filter((verdict) => verdict !== "equal")))
}
