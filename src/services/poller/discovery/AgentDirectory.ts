/**
 * A list of agents somewhere else, asked again and again: what it says is what there is, and while it cannot be asked what
 * it said last still counts.
 */
import { Duration, Effect, Ref, Schedule, Schema } from "effect"
import * as Backoff from "../../../domain/backoff/Backoff.ts"
import type { Arrival, ArrivalSource } from "../../../domain/poller/discovery/Arrival.ts"
import { Arrivals } from "./Arrivals.ts"

export class DirectoryError extends Schema.TaggedError<DirectoryError>()("DirectoryError", {
  directory: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `agents are not found by ${this.directory}: ${this.detail}`
  }
}

export interface AgentDirectory {
  readonly source: ArrivalSource
  /** For people. */
  readonly name: string
  readonly interval: Duration.Duration
  readonly ask: Effect.Effect<ReadonlyArray<Arrival>, DirectoryError>
}

const timeout = Duration.seconds(10)
/** Between attempts, until one succeeds. */
const again = Backoff.capped({ from: "1 second", to: "1 minute" })

/** Never ends by itself. */
export const follow = Effect.fnUntraced(function*({ ask, interval, name, source }: AgentDirectory) {
  const arrivals = yield* Arrivals
  const trouble = yield* Ref.make("")
  const tell = Effect.fnUntraced(function*({ message }: DirectoryError) {
    if ((yield* Ref.getAndSet(trouble, message)) === message) return
    yield* Effect.logWarning(`${message}; those that were found before stay`)
  })
  const once = ask.pipe(
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () =>
        Effect.fail(new DirectoryError({ directory: name, detail: `no answer within ${Duration.format(timeout)}` }))
    }),
    Effect.tapError(tell),
    Effect.retry(again),
    // The schedule has no end, which its type cannot say.
    Effect.orDie,
    Effect.flatMap((found) => arrivals.replace(source, found)),
    Effect.andThen(Ref.set(trouble, ""))
  )
  return yield* Effect.andThen(
    Effect.repeat(once, Schedule.jittered(Schedule.spaced(interval))),
    Effect.never
  )
})
