/** `--since`: an age such as `2h` or `7d`, or a moment such as `2026-01-31` or `2026-01-31T08:00:00Z`. */
import { DateTime, Duration, Option } from "effect"
import * as GoDuration from "../../domain/config/GoDuration.ts"

export type Since =
  | { readonly _tag: "Age"; readonly age: Duration.Duration }
  | { readonly _tag: "Moment"; readonly atMillis: number }

/** Go's durations end at hours; people count days. */
const days = /^(\d+)d(.*)$/s

const ageOf = (text: string): Option.Option<Duration.Duration> => {
  const [, count = "0", rest = text] = days.exec(text) ?? []
  const hasDays = rest !== text
  return GoDuration.parseNanos(hasDays && rest === "" ? "0" : rest).pipe(
    Option.filter((nanos) => nanos > 0n || (hasDays && nanos >= 0n)),
    Option.map((nanos) => Duration.sum(Duration.days(Number(count)), Duration.nanos(nanos)))
  )
}

const momentOf = (text: string): Option.Option<number> =>
  /^\d{4}-\d{2}-\d{2}/.test(text) ? Option.map(DateTime.make(text), DateTime.toEpochMillis) : Option.none()

export const parse = (text: string): Option.Option<Since> =>
  Option.orElse(
    Option.map(ageOf(text), (age): Since => ({ _tag: "Age", age })),
    () => Option.map(momentOf(text), (atMillis): Since => ({ _tag: "Moment", atMillis }))
  )

export const toMillis = (since: Since, nowMillis: number): number =>
  since._tag === "Moment" ? since.atMillis : nowMillis - Duration.toMillis(since.age)
