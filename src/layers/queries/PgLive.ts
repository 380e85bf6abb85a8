/**
 * Rows as they are stored: whoever asks gets the rows of a window of time again and again, which begins where the oldest
 * transaction began that ran at the time of the window before, and of them those that it has not had. So rows count that are
 * committed late, or out of order.
 *
 * The reader's own pace is the pace of the windows: a slow one is told, keeps no more than a page in memory, and misses nothing.
 */
import { Clock, Duration, Effect, Option, Schedule, Stream } from "effect"
import * as crypto from "node:crypto"
import type { SrqlError } from "../../domain/srql/language/SrqlError.ts"
import type { LiveEvent, QueryError } from "../../services/queries/Queries.ts"
import type * as PgReading from "./PgReading.ts"

const interval = Duration.seconds(1)
const pageMax = 1000
/** Whoever takes longer for what there is, is late. */
const lateMillis = 5_000

export interface Windows {
  /** A page of the window that begins then, after this row. */
  readonly page: (
    since: string,
    after: string | undefined,
    limit: number
  ) => Effect.Effect<
    { readonly rows: ReadonlyArray<PgReading.Row>; readonly next: string | null },
    SrqlError | QueryError
  >
  readonly oldest: Effect.Effect<string, SrqlError | QueryError>
}

interface State {
  readonly since: string
  readonly after: string | undefined
  /** Where the next window begins. */
  readonly next: string
  /** What the reader had of the window before, and of this one, as far as it may come again; by their digests. */
  readonly before: ReadonlySet<string>
  readonly had: Set<string>
  readonly askedAt: number
}

const digestOf = (row: string): string => crypto.hash("sha1", row, "base64")

/** Whether it was stored when the next window has begun; to the millisecond, and then rather yes. */
const mayComeAgain = (after: string | null | undefined, next: string): boolean => {
  const [, day, time] = /^\["(\S+) ([\d:.]+)\+00"/.exec(after ?? "") ?? []
  return day === undefined || Date.parse(`${day}T${time}Z`) + 1 >= Date.parse(next)
}

const isPassing = (error: SrqlError | QueryError): boolean =>
  error._tag === "QueryError" && ["DatabaseAway", "TooManyQuestions", "TookTooLong"].includes(error.reason._tag)

/** For some minutes, in which nothing is missed. */
const again = { while: isPassing, schedule: Schedule.jittered(Schedule.spaced("2 seconds")), times: 150 }

/** `answered` are the rows that the reader has had already, of an answer that was asked for after `since` was known. */
export const follow = (
  windows: Windows,
  since: string,
  answered: ReadonlyArray<string>
): Stream.Stream<LiveEvent, SrqlError | QueryError> => {
  const step = Effect.fnUntraced(function*(state: State) {
    const isNew = state.after === undefined
    if (isNew) yield* Effect.sleep(interval)
    const now = yield* Clock.currentTimeMillis
    const next = isNew ? yield* Effect.retry(windows.oldest, again) : state.next
    const page = yield* Effect.retry(windows.page(state.since, state.after, pageMax), again)
    const events: Array<LiveEvent> = []
    const lateness = now - state.askedAt - Duration.toMillis(interval)
    if (lateness > lateMillis) events.push({ _tag: "Late", seconds: Math.round(lateness / 1000) })
    for (const { after, row } of page.rows) {
      const digest = digestOf(row)
      if (!state.before.has(digest)) events.push({ _tag: "Row", row })
      if (mayComeAgain(after, next)) state.had.add(digest)
    }
    const following: State = page.next === null
      ? { since: next, after: undefined, next, before: state.had, had: new Set(), askedAt: now }
      : { ...state, after: page.next, next, askedAt: now - Duration.toMillis(interval) }
    return [events, Option.some(following)] as const
  })
  return Stream.unwrap(Effect.map(Clock.currentTimeMillis, (askedAt) => {
    const before = new Set(answered.map(digestOf))
    const start: State = { since, after: undefined, next: since, before, had: new Set(), askedAt }
    return Stream.paginate(start, step)
  }))
}
