/**
 * What an expression can be: a value of one of these kinds, or nothing (SQL's null).
 *
 * Each kind has one order and one equality, which hold in memory and in PostgreSQL alike: text by code points (there the
 * collation "C"), UUIDs in lower case, instants to the millisecond.
 */
import type { DateTime } from "effect"

export type Kind = "text" | "integer" | "float" | "boolean" | "instant" | "uuid" | "text_list"

export type Value = string | number | boolean | DateTime.Utc | ReadonlyArray<string>

/** Nothing is a value that is not known: no comparison with it is true or false. */
export type Answer = Value | null

/** The kind that a value is of when nothing else says so. */
export const kindOf = (value: Value): Kind => {
  switch (typeof value) {
    case "string":
      return "text"
    case "number":
      return Number.isSafeInteger(value) ? "integer" : "float"
    case "boolean":
      return "boolean"
    default:
      return "epochMilliseconds" in value ? "instant" : "text_list"
  }
}

/** The kind in which values of two kinds are compared, and of what is either of them. */
export const common = (left: Kind, right: Kind): Kind => {
  if (left === right) return left
  if (isNumber(left) && isNumber(right)) return "float"
  return "text"
}

const isNumber = (kind: Kind): boolean => kind === "integer" || kind === "float"

/** Negative, zero or positive, as `left` comes before, is, or comes after `right`. Values of a kind that has an order. */
export const compare = (left: Value, right: Value): number => {
  if (typeof left === "string" && typeof right === "string") return compareText(left, right)
  const a = numeric(left)
  const b = numeric(right)
  return a < b ? -1 : a > b ? 1 : 0
}

const numeric = (value: Value): number => {
  if (typeof value === "object") return "epochMilliseconds" in value ? value.epochMilliseconds : Number.NaN
  return Number(value)
}

/** By code points, as UTF-8 bytes compare: UTF-16 alone would put emoji before the last letters of the first plane. */
const compareText = (left: string, right: string): number => {
  const length = Math.min(left.length, right.length)
  for (let at = 0; at < length; at += 1) {
    const a = left.charCodeAt(at)
    const b = right.charCodeAt(at)
    if (a !== b) return rank(a) - rank(b)
  }
  return left.length - right.length
}

/** Halves of characters beyond the first plane rank above it. */
const rank = (unit: number): number => unit >= 0xE000 ? unit - 0x800 : unit >= 0xD800 ? unit + 0x2000 : unit
