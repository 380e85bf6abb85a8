/** The wall clock as an operator or NTP may set it, while the machine's monotonic clock goes on. */
import { Effect } from "effect"

const shifted = (byMillis: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const real = Date.now
      Date.now = () => real() + byMillis
      return real
    }),
    (real) =>
      Effect.sync(() => {
        Date.now = real
      })
  )

/** Runs `self` while the wall clock is wrong by so much. */
export const withClockShifted = <A, E, R>(byMillis: number, self: Effect.Effect<A, E, R>) =>
  Effect.scoped(Effect.andThen(shifted(byMillis), self))

/** An hour ahead. */
export const withClockAhead = <A, E, R>(self: Effect.Effect<A, E, R>) => withClockShifted(3_600_000, self)
