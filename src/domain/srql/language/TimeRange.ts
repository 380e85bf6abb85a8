/** `time:`: what it says, and the span of time that it means now. */
import { Option, Result } from "effect"
import * as Instant from "./Instant.ts"
import type { TimeFilter } from "./Query.ts"
import { type Answer, refuse, type Span } from "./SrqlError.ts"

export interface TimeRange {
  /** RFC 3339, UTC; both are part of the range. */
  readonly start: string
  readonly end: string
}

const daySeconds = 86_400
/** The widest span that a query may ask for. */
export const rangeDaysMax = 90

const units: Readonly<Record<string, "relative_minutes" | "relative_hours" | "relative_days">> = {
  m: "relative_minutes",
  min: "relative_minutes",
  mins: "relative_minutes",
  minute: "relative_minutes",
  minutes: "relative_minutes",
  h: "relative_hours",
  hour: "relative_hours",
  hours: "relative_hours",
  d: "relative_days",
  day: "relative_days",
  days: "relative_days"
}

const secondsOf = { relative_minutes: 60, relative_hours: 3600, relative_days: daySeconds } as const

const expected = "last_24h, 15m, 7d, today, yesterday or [start,end]"
const words = ["today", "yesterday", "last_1h", "last_6h", "last_24h", "last_7d", "last_30d"]

const tooWide = (at: Span, found: string) =>
  refuse({
    at,
    detail: `time range cannot exceed ${rangeDaysMax} days`,
    found,
    expected: `at most ${rangeDaysMax} days`
  })

const relative = (text: string, at: Span): Answer<TimeFilter> => {
  const packed = text.toLowerCase().replaceAll(/[_\-\s]/g, "").replace(/^last/, "")
  const unit = units[packed.replaceAll(/\d/g, "")]
  const digits = packed.replaceAll(/\D/g, "")
  if (unit === undefined || digits === "") {
    return refuse({ at, detail: `unsupported time token '${text}'`, found: text, expected, known: words })
  }
  const value = Number(digits)
  return value * secondsOf[unit] > rangeDaysMax * daySeconds
    ? tooWide(at, text)
    : Result.succeed({ type: unit, value })
}

const instant = (text: string, at: Span): Answer<string> =>
  Option.match(Option.filter(Instant.parse(text), Instant.isRepresentable), {
    onNone: () =>
      refuse({
        at,
        detail: `invalid time literal '${text}'`,
        found: text,
        expected: "RFC 3339 or YYYY-MM-DD HH:MM:SS"
      }),
    onSome: (value) => Result.succeed(Instant.format(value))
  })

const absolute = (inner: string, at: Span): Answer<TimeFilter> => {
  const [from = "", to, more] = inner.split(",").map((part) => part.trim())
  if (to === undefined || more !== undefined || (from === "" && to === "")) {
    return refuse({ at, detail: `unsupported time token '[${inner}]'`, found: `[${inner}]`, expected: "[start,end]" })
  }
  return Result.gen(function*() {
    if (to === "") return { type: "absolute_open_end", value: { start: yield* instant(from, at) } } as const
    const end = yield* instant(to, at)
    if (from === "") return { type: "absolute_open_start", value: { end } } as const
    return { type: "absolute", value: { start: yield* instant(from, at), end } } as const
  })
}

export const parse = (given: string, at: Span): Answer<TimeFilter> => {
  const text = given.trim()
  if (text.startsWith("[") && text.endsWith("]") && text.length > 1) return absolute(text.slice(1, -1), at)
  const word = text.toLowerCase()
  return word === "today" || word === "yesterday" ? Result.succeed({ type: word }) : relative(text, at)
}

const epoch: Instant.Instant = { epochSeconds: 0, nanos: 0 }
/** Literals of a filter were read when it was parsed. */
const literal = (text: string): Instant.Instant => Option.getOrElse(Instant.parse(text), () => epoch)

const boundsOf = (filter: TimeFilter, now: Instant.Instant): readonly [Instant.Instant, Instant.Instant] => {
  const midnight = { epochSeconds: Math.floor(now.epochSeconds / daySeconds) * daySeconds, nanos: 0 }
  switch (filter.type) {
    case "today":
      return [midnight, now]
    case "yesterday":
      return [Instant.minusSeconds(midnight, daySeconds), midnight]
    case "absolute":
      return [literal(filter.value.start), literal(filter.value.end)]
    case "absolute_open_end":
      return [literal(filter.value.start), now]
    case "absolute_open_start": {
      const end = literal(filter.value.end)
      return [Instant.minusSeconds(end, rangeDaysMax * daySeconds), end]
    }
    default:
      return [Instant.minusSeconds(now, filter.value * secondsOf[filter.type]), now]
  }
}

/** `nowMillis` is the server's clock. */
export const resolve = (filter: TimeFilter, nowMillis: number, at: Span): Answer<TimeRange> => {
  const [start, end] = boundsOf(filter, Instant.fromMillis(nowMillis))
  const found = `${Instant.format(start)} to ${Instant.format(end)}`
  if (Instant.compare(start, end) > 0) {
    return refuse({ at, detail: "time range start must be before end", found, expected: "a start before the end" })
  }
  const widest = { epochSeconds: start.epochSeconds + rangeDaysMax * daySeconds, nanos: start.nanos }
  return Instant.compare(end, widest) > 0
    ? tooWide(at, found)
    : Result.succeed({ start: Instant.format(start), end: Instant.format(end) })
}
