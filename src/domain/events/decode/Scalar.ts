/**
 * Single values as publishers write them: numbers as text, text as numbers, flags as either.
 *
 * Readers answer with nothing for what they cannot read, never with another value; what that means is for `Reading` to
 * say. An object or array in the place of a single value is refused by the payload's schema, because no column could hold
 * it.
 */
import { Schema } from "effect"
import * as Numeral from "./Numeral.ts"
import { clampInt8 } from "./Timestamp.ts"

export const Scalar = Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null])

export type Scalar = typeof Scalar.Type | undefined

export const isScalar = (value: unknown): value is Scalar =>
  value === undefined || value === null || typeof value === "string" || typeof value === "boolean" ||
  (typeof value === "number" && Number.isFinite(value))

/** Absent, null or blank: what the publisher leaves open. */
export const isUnset = (value: Scalar): boolean =>
  value === undefined || value === null || (typeof value === "string" && value.trim() === "")

export const text = (value: Scalar): string | null =>
  typeof value === "string" ? value : value === null || value === undefined ? null : String(value)

/** Also `NaN` and the infinities by their names, hex, and true and false as 1 and 0. */
export const float8 = (value: Scalar): number | undefined =>
  typeof value === "number"
    ? value
    : typeof value === "boolean"
    ? Number(value)
    : typeof value === "string"
    ? Numeral.float(value)
    : undefined

const whole = (value: Scalar): bigint | undefined =>
  typeof value === "string" || typeof value === "number" ? Numeral.whole(value) : undefined

const int4Max = 2 ** 31 - 1

/** Cut to a whole number; one that 32 bits do not hold is none. */
export const int4 = (value: Scalar): number | undefined => {
  // `+ 0` because -0.5 would become -0.
  const read = typeof value === "number" ? Math.trunc(value) + 0 : Number(whole(value))
  return Number.isInteger(read) && Math.abs(read) <= int4Max ? read : undefined
}

/** All its digits; clamped to what 64 bits hold. */
export const int8 = (value: Scalar): bigint | undefined => {
  const read = whole(value)
  return read === undefined ? undefined : clampInt8(read)
}

/** As `int8`, but without a limit and never negative: a counter of any width. */
export const count = (value: Scalar): bigint | undefined => {
  const read = whole(value)
  return read === undefined || read < 0n ? undefined : read
}

const flags: ReadonlyMap<string, boolean> = new Map(
  [["true", "t", "yes", "y", "on", "1", "up"], ["false", "f", "no", "n", "off", "0", "down"]].flatMap((words, at) =>
    words.map((word) => [word, at === 0] as const)
  )
)

export const boolean = (value: Scalar): boolean | undefined => {
  if (typeof value === "boolean") return value
  if (typeof value === "number") return value !== 0
  return typeof value === "string" ? flags.get(value.trim().toLowerCase()) : undefined
}

const nanosIn: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  sec: 1e9,
  m: 60e9,
  min: 60e9,
  h: 3600e9
}

const duration = /^([+-]?)((?:\d+(?:\.\d*)?|\.\d+)\s*(?:ns|us|µs|μs|ms|sec|s|min|m|h)\s*)+$/
const durationPart = /(\d+(?:\.\d*)?|\.\d+)\s*(ns|us|µs|μs|ms|sec|s|min|m|h)/g

/** Nanoseconds of a text with units, as Go writes durations: `1.5ms`, `1m2.5s`. */
export const nanosOfDuration = (value: Scalar): number | undefined => {
  if (typeof value !== "string") return undefined
  const trimmed = value.trim()
  const sign = duration.exec(trimmed)?.[1]
  if (sign === undefined) return undefined
  let nanos = 0
  for (const [, digits = "", unit = ""] of trimmed.matchAll(durationPart)) {
    nanos += Number(digits) * (nanosIn[unit] ?? 0)
  }
  return sign === "-" ? -nanos : nanos
}
