/** Ages and silences are measured by the clock that nobody sets; the wall clock may jump either way. */
import { Clock, Effect } from "effect"

const nanosPerMilli = 1_000_000

const millisOf = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / nanosPerMilli

/** Milliseconds since some moment in the past. */
export const now: Effect.Effect<number> = Effect.map(Clock.Clock, millisOf)

/** Runs `self` with the time, in the same step in which it is read. */
export const at = <A, E, R>(self: (nowMillis: number) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.clockWith((clock) => self(millisOf(clock)))
