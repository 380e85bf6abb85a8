/** The wall clock as an operator or NTP may set it, while the machine's monotonic clock goes on. */
import { Clock, Effect } from "effect"

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

/** The clock of a test, whose time of day may be set by so many milliseconds while its monotonic time goes on. */
export const settable = Effect.map(Clock.Clock, (clock) => {
  let byMillis = 0
  const currentTimeMillisUnsafe = () => clock.currentTimeMillisUnsafe() + byMillis
  const shifted: Clock.Clock = {
    ...clock,
    currentTimeMillisUnsafe,
    currentTimeMillis: Effect.sync(currentTimeMillisUnsafe)
  }
  return { clock: shifted, set: (by: number) => Effect.sync(() => void (byMillis = by)) }
})
