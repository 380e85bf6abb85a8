/** The pause before a child's next start, by its schedule; afresh after the child ran quietly for long enough. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { Backoff } from "../ChildSpec.ts"

const defaultResetAfter: Duration.Input = "1 minute"

export interface Delays {
  /** The next pause. `ranMillis` is how long the child ran before it ended. */
  readonly next: (nowMillis: number, ranMillis: number) => Effect.Effect<number>
}

export const make = (backoff: Backoff): Delays => {
  const resetAfterMillis = Duration.toMillis(Duration.fromInputUnsafe(backoff.resetAfter ?? defaultResetAfter))
  const toStep = Schedule.toStep(backoff.schedule)
  let step: Effect.Success<typeof toStep> | undefined
  let lastMillis = 0
  const advance = (nowMillis: number) =>
    Effect.suspend(() =>
      step === undefined ? Effect.tap(toStep, (made) => Effect.sync(() => (step = made))) : Effect.succeed(step)
    ).pipe(
      Effect.flatMap((step) => step(nowMillis, undefined)),
      Effect.map(([, delay]) => (lastMillis = Duration.toMillis(delay))),
      // The end of the schedule, or a bug in it: the supervisor goes on.
      Effect.catchCause(() => Effect.succeed(lastMillis))
    )
  return {
    next: (nowMillis, ranMillis) =>
      Effect.suspend(() => {
        if (ranMillis >= resetAfterMillis) step = undefined
        return advance(nowMillis)
      })
  }
}
