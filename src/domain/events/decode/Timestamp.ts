/**
 * Moments as microseconds since 1970, from all the forms that publishers use.
 *
 * Numbers tell their unit by their size: above 1e18 nanoseconds, above 1e15 microseconds, above 1e12 milliseconds, else
 * seconds with a fraction. Zero and less mean "not set", as in Go, and so does text before 1970.
 */
import { DateTime } from "effect"

const rfc3339 = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:[.,](\d{1,12}))?([Zz]|[+-]\d\d:?\d\d)$/
const numeric = /^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/** Numbers above would be later than year 9999, which PostgreSQL takes but nobody means. */
const microsMax = 253_402_300_799_000_000

const bounded = (micros: number): number | undefined => micros > 0 && micros <= microsMax ? micros : undefined

const fromNumber = (value: number): number | undefined => {
  if (!(value > 0)) return undefined
  if (value > 1e18) return bounded(Math.floor(value / 1000))
  if (value > 1e15) return bounded(Math.floor(value))
  return bounded(Math.floor(value > 1e12 ? value * 1000 : value * 1_000_000))
}

const fromText = (text: string): number | undefined => {
  const found = rfc3339.exec(text)
  if (found === null) return numeric.test(text) ? fromNumber(Number(text)) : undefined
  const [, day = "", time = "", fraction = "", zone = "Z"] = found
  const offset = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase()
  const millis = Date.parse(`${day}T${time}${offset}`)
  // Go writes its zero time as year 1, which means "not set" as much as 0 does.
  return bounded(millis * 1000 + Number(fraction.slice(0, 6).padEnd(6, "0")))
}

/** None when the value tells no moment. */
export const micros = (value: unknown): number | undefined =>
  typeof value === "string" ? fromText(value) : typeof value === "number" ? fromNumber(value) : undefined

/** Whole nanoseconds to microseconds; 0 stays 0. */
export const fromNanos = (nanos: bigint): number => Number(nanos / 1000n)

/** RFC 3339 in UTC with microseconds. */
export const format = (micros: number): string => {
  const millis = Math.floor(micros / 1000)
  const text = DateTime.formatIso(DateTime.makeUnsafe(millis))
  return `${text.slice(0, -1)}${String(micros - millis * 1000).padStart(3, "0")}Z`
}

const int8Max = 2n ** 63n - 1n

/** An unsigned 64-bit number for a signed column: what does not fit becomes the largest that does. */
export const clampInt8 = (value: bigint): bigint => value > int8Max ? int8Max : value < -int8Max ? -int8Max : value
