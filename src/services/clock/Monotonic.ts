/**
 * Milliseconds for measuring and waiting: a clock that only goes forward, whatever is done to the time of day.
 *
 * Its readings mean something only beside one another. What is shown, stored or sent is the time of day, from `Clock`.
 */
import { type Clock, Effect } from "effect"

export const millisOf = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe() / 1_000n) / 1_000

export const millis: Effect.Effect<number> = Effect.clockWith((clock) => Effect.sync(() => millisOf(clock)))
