/** Points in time as queries write them, to the nanosecond, which JavaScript's dates do not keep. */
import { Option } from "effect"

export interface Instant {
  readonly epochSeconds: number
  /** 0 to 999,999,999. */
  readonly nanos: number
}

const literal = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})?$/

const offsetSeconds = (zone: string): number => {
  if (zone.toUpperCase() === "Z") return 0
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4, 6))]
  return hours > 23 || minutes > 59 ? Number.NaN : (zone.startsWith("-") ? -1 : 1) * (hours * 3600 + minutes * 60)
}

/** RFC 3339, or `YYYY-MM-DD HH:MM:SS`, which is UTC. A date alone is none. */
export const parse = (text: string): Option.Option<Instant> => {
  const [, year, month, day, hours, minutes, seconds, fraction = "", zone] = literal.exec(text) ?? []
  if (year === undefined || (zone === undefined && (fraction !== "" || /t/i.test(text)))) return Option.none()
  if (zone !== undefined && text[10] === " ") return Option.none()
  const date = `${year}-${month}-${day}`
  const millis = Date.parse(`${date}T${hours}:${minutes}:${seconds}Z`)
  const isDate = !Number.isNaN(millis) && new Date(millis).toISOString().startsWith(date)
  const epochSeconds = millis / 1000 - offsetSeconds(zone ?? "Z")
  return isDate && Number.isFinite(epochSeconds)
    ? Option.some({ epochSeconds, nanos: Number(fraction.padEnd(9, "0")) })
    : Option.none()
}

const fractionOf = (nanos: number): string => {
  if (nanos === 0) return ""
  const digits = String(nanos).padStart(9, "0")
  return `.${digits.endsWith("000000") ? digits.slice(0, 3) : digits.endsWith("000") ? digits.slice(0, 6) : digits}`
}

/** Years 1 to 9999: what both RFC 3339 and PostgreSQL can write. */
const isWritable = (epochSeconds: number): boolean => epochSeconds >= -62_135_596_800 && epochSeconds < 253_402_300_800

/** RFC 3339 in UTC with 0, 3, 6 or 9 digits of fraction. */
export const format = ({ epochSeconds, nanos }: Instant): string =>
  isWritable(epochSeconds)
    ? `${new Date(epochSeconds * 1000).toISOString().slice(0, 19)}${fractionOf(nanos)}Z`
    : "0001-01-01T00:00:00Z"

export const isRepresentable = ({ epochSeconds }: Instant): boolean => isWritable(epochSeconds)

export const fromMillis = (millis: number): Instant => {
  const epochSeconds = Math.floor(millis / 1000)
  return { epochSeconds, nanos: (millis - epochSeconds * 1000) * 1_000_000 }
}

export const minusSeconds = ({ epochSeconds, nanos }: Instant, seconds: number): Instant => ({
  epochSeconds: epochSeconds - seconds,
  nanos
})

/** Below 0 when `a` is the earlier one. */
export const compare = (a: Instant, b: Instant): number => a.epochSeconds - b.epochSeconds || a.nanos - b.nanos
