/**
 * Single values as publishers write them: numbers as text, text as numbers, flags as either.
 *
 * What cannot be read becomes null, as in the writers before; an object or array in the place of a single value is
 * refused by the payload's schema, because no column could hold it.
 */
import { Schema } from "effect"
import { clampInt8 } from "./Timestamp.ts"

export const Scalar = Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null])

type Scalar = typeof Scalar.Type | undefined

export const text = (value: Scalar): string | null =>
  typeof value === "string" ? value : value === null || value === undefined ? null : String(value)

const leadingNumber = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/

const number = (value: Scalar): number | undefined => {
  if (typeof value === "number") return value
  if (typeof value !== "string") return undefined
  const found = leadingNumber.exec(value)
  const read = found === null ? Number.NaN : Number(found[0])
  return Number.isFinite(read) ? read : undefined
}

/** A number, or the number a text begins with. */
export const float8 = (value: Scalar): number | null => number(value) ?? null

const int4Max = 2 ** 31 - 1

/** Cut to whole numbers and to what 32 bits hold. */
export const int4 = (value: Scalar): number | null => {
  const read = number(value)
  // `+ 0` because -0.5 would become -0.
  return read === undefined ? null : Math.max(-int4Max, Math.min(int4Max, Math.trunc(read))) + 0
}

const digits = /^\s*([+-]?\d{1,20})\s*$/

/** Whole text keeps all its digits; clamped to what 64 bits hold. */
export const int8 = (value: Scalar): bigint | null => {
  const whole = typeof value === "string" ? digits.exec(value)?.[1] : undefined
  if (whole !== undefined) return clampInt8(BigInt(whole.startsWith("+") ? whole.slice(1) : whole))
  const read = number(value)
  return read === undefined ? null : clampInt8(BigInt(Math.trunc(read)))
}

export const boolean = (value: Scalar): boolean | null => {
  if (typeof value === "boolean") return value
  if (typeof value === "number") return value !== 0
  if (typeof value !== "string") return null
  const lower = value.trim().toLowerCase()
  return lower === "true" || lower === "1" ? true : lower === "false" || lower === "0" ? false : null
}
