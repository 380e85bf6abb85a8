/** What the query of a v1 address may hold. A number that is none is the default, as there; one that is too large is the largest. */
import { DateTime, Duration, Option, Result, Schema } from "effect"

export interface Bounds {
  readonly usual: number
  readonly most: number
}

const whole = /^[+-]?\d{1,15}$/

/** From 1; `least` 0 for an offset. */
export const number = (text: string | null, { most, usual }: Bounds, least = 1): number => {
  const value = text !== null && whole.test(text) ? Number(text) : Number.NaN
  return value >= least ? Math.min(value, most) : usual
}

export interface Times {
  readonly from: DateTime.Utc
  readonly to: DateTime.Utc
}

const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/

const decodeTime = Schema.decodeUnknownOption(Schema.DateTimeUtcFromString)

const time = (text: string): Option.Option<DateTime.Utc> => rfc3339.test(text) ? decodeTime(text) : Option.none()

/** Which of the two cannot be read. */
export interface NoTime {
  readonly parameter: "start" | "end"
  readonly text: string
}

/** From a day ago until now, where nothing else is said. */
export const times = (query: URLSearchParams, now: DateTime.Utc): Result.Result<Times, NoTime> => {
  const read = (parameter: NoTime["parameter"], usual: DateTime.Utc): Result.Result<DateTime.Utc, NoTime> => {
    const text = query.get(parameter) ?? ""
    return text === "" ? Result.succeed(usual) : Result.fromOption(time(text), () => ({ parameter, text }))
  }
  return Result.all({ from: read("start", DateTime.subtractDuration(now, Duration.days(1))), to: read("end", now) })
}
