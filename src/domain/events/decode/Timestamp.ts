/**
 * Moments as microseconds since 1970, from all the forms that publishers use.
 *
 * Numbers, also as text, tell their unit by their size: above 1e18 nanoseconds, above 1e15 microseconds, above 1e12
 * milliseconds, else seconds with a fraction. These ranges meet at 2001-09-09T01:46:40Z. Zero and less mean "not set", as
 * in Go.
 *
 * Text is ISO 8601 or RFC 3339, extended or basic, with an offset (`Z`, `+00`, `+0000`, `+00:00`, ` UTC`); without one it
 * could be any of two dozen moments and says none. What RFC 9557 adds in brackets (`[Europe/Berlin]`) changes none of it. A
 * date that the calendar does not have is no other date. The second 60 is the one that follows.
 */
import * as Numeral from "./Numeral.ts"

const iso =
  /^(\d{4})-?(\d\d)-?(\d\d)(?:[Tt_]|\s+)(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,30}))?)?\s*(Z|z|UTC|GMT|[+\-−]\d\d(?::?\d\d)?)(?:\s+[A-Z]{1,5})?(?:\s+m=[+-][\d.]+)?(?:\[[^\]]{1,64}\]){0,4}$/

/** Numbers above would be later than year 9999, which PostgreSQL takes but nobody means. */
const microsMax = 253_402_300_799_000_000
const nanosMax = BigInt(microsMax) * 1000n

const bounded = (micros: number): number | undefined => micros > 0 && micros <= microsMax ? micros : undefined

const daysOf = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const

const daysIn = (year: number, month: number): number =>
  month === 2 && (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)) ? 29 : daysOf[month - 1] ?? 0

const offsetMinutes = (zone: string): number | undefined => {
  const sign = zone.charCodeAt(0)
  if (sign !== 0x2b && sign !== 0x2d && sign !== 0x2212) return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = zone.length > 3 ? Number(zone.slice(-2)) : 0
  if (hours > 23 || minutes > 59) return undefined
  return (hours * 60 + minutes) * (sign === 0x2b ? 1 : -1)
}

interface Moment {
  /** Whole seconds since 1970. */
  readonly seconds: number
  /** Digits behind the point. */
  readonly fraction: string
}

const fromIso = (text: string): Moment | undefined => {
  const found = iso.exec(text.trim())
  if (found === null) return undefined
  const [, y = "", mo = "", d = "", h = "", mi = "", s = "0", fraction = "", zone = "Z"] = found
  const year = Number(y)
  const month = Number(mo)
  const day = Number(d)
  const hour = Number(h)
  const minute = Number(mi)
  const second = Number(s)
  const offset = offsetMinutes(zone)
  if (offset === undefined || year < 1000 || day < 1 || day > daysIn(year, month) || minute > 59) return undefined
  // Midnight may be written as the end of its day.
  if (hour > 24 || (hour === 24 && (minute > 0 || second > 0 || Number(fraction) > 0))) return undefined
  const seconds = Date.UTC(year, month - 1, day, hour, minute) / 1000 - offset * 60 + second
  // Leap seconds are the last of a day in UTC.
  if (second > 60 || (second === 60 && seconds % 86_400 !== 0)) return undefined
  return { seconds, fraction }
}

const part = (fraction: string, digits: number): string => fraction.slice(0, digits).padEnd(digits, "0")

/** By which power of ten a number of this size is to be multiplied to be nanoseconds. */
const powerOf = (size: number): number => size > 1e18 ? 0 : size > 1e15 ? 3 : size > 1e12 ? 6 : 9

const nanosOfNumeral = (text: string): bigint | undefined => {
  const size = Numeral.float(text)
  return size === undefined || !(size > 0) ? undefined : Numeral.scaled(text, powerOf(size))
}

const nanosForm = /^[1-9]\d{18}$/

const fromNumeral = (text: string): number | undefined => {
  // Nanoseconds of these decades, by far the most frequent number in text.
  if (nanosForm.test(text)) return bounded(Number(text.slice(0, -3)))
  const nanos = nanosOfNumeral(text)
  return nanos === undefined || nanos > nanosMax ? undefined : bounded(Number(nanos / 1000n))
}

/**
 * By the digits as they were written: multiplied, a fraction would come out a microsecond too low now and then. Whole
 * microseconds are told by their quotient, which only the number with these digits is.
 */
const fromFraction = (value: number): number | undefined => {
  const unit = value > 1e12 ? 1_000 : 1_000_000
  const whole = Math.round(value * unit)
  if (whole / unit === value && whole <= Number.MAX_SAFE_INTEGER) return bounded(whole)
  const text = String(value)
  const point = text.indexOf(".")
  if (point < 0 || value < 1 || value > 1e15) return fromNumeral(text)
  const places = value > 1e12 ? 3 : 6
  return bounded(Number(text.slice(0, point)) * 10 ** places + Number(part(text.slice(point + 1), places)))
}

const fromNumber = (value: number): number | undefined => {
  if (!(value > 0 && value <= Number.MAX_SAFE_INTEGER)) return fromNumeral(String(value))
  if (!Number.isInteger(value)) return fromFraction(value)
  return bounded(value > 1e15 ? value : value > 1e12 ? value * 1000 : value * 1_000_000)
}

const fromText = (text: string): number | undefined => {
  const moment = fromIso(text)
  return moment === undefined
    ? fromNumeral(text)
    : bounded(moment.seconds * 1_000_000 + Number(part(moment.fraction, 6)))
}

/** None when the value tells no moment. */
export const micros = (value: unknown): number | undefined =>
  typeof value === "string" ? fromText(value) : typeof value === "number" ? fromNumber(value) : undefined

/** All nanoseconds that the value tells, where `micros` has the microseconds. */
export const nanos = (value: unknown): bigint | undefined => {
  if (typeof value !== "string" && typeof value !== "number") return undefined
  const moment = typeof value === "string" ? fromIso(value) : undefined
  const read = moment === undefined
    ? nanosOfNumeral(String(value))
    : BigInt(moment.seconds) * 1_000_000_000n + BigInt(part(moment.fraction, 9))
  return read !== undefined && read > 0n && read <= nanosMax ? read : undefined
}

/** Whole nanoseconds to microseconds; 0 stays 0. */
export const fromNanos = (nanos: bigint): number => Number(nanos / 1000n)

/** RFC 3339 in UTC with microseconds. */
export const format = (micros: number): string => {
  const millis = Math.floor(micros / 1000)
  const text = new Date(millis).toISOString()
  return `${text.slice(0, -1)}${String(micros - millis * 1000).padStart(3, "0")}Z`
}

const int8Max = 2n ** 63n - 1n

/** An unsigned 64-bit number for a signed column: what does not fit becomes the largest that does. */
export const clampInt8 = (value: bigint): bigint => value > int8Max ? int8Max : value < -int8Max ? -int8Max : value
