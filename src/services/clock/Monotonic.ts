/**
 * Milliseconds for measuring and waiting: a clock that only goes forward, whatever is done to the time of day.
 *
 * Its readings mean something only beside one another. What is shown, stored or sent is the time of day, from `Clock`.
 */
import { type Clock, Duration, Effect } from "effect"

export const millisOf = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe() / 1_000n) / 1_000

export const millis: Effect.Effect<number> = Effect.clockWith((clock) => Effect.sync(() => millisOf(clock)))

/** Whether so much time has not passed yet since this runs; `Schedule.upTo` counts by the time of day, which may be set. */
export const within = (limit: Duration.Duration): Effect.Effect<Effect.Effect<boolean>> =>
  Effect.map(millis, (start) => Effect.map(millis, (now) => now - start < Duration.toMillis(limit)))

export const nanos: Effect.Effect<bigint> = Effect.clockWith((clock) =>
  Effect.sync(() => clock.monotonicTimeNanosUnsafe())
)
