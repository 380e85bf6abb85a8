/**
 * Repeats on a fixed grid of time: at once, then at every multiple of the interval since the start.
 *
 * A run that takes longer skips the ticks it missed; one that ends with a tick, as a timeout of one interval does, takes
 * that tick. `Schedule.fixed` counts from the end of the first run and makes
 * up for missed ticks without a pause; neither is what an operator means by "every 30 s".
 */
import { Duration, Effect, Schedule } from "effect"
import * as Monotonic from "../clock/Monotonic.ts"

/** Timers may fire a moment early; a tick this close is the one that has just been. */
const tolerance = 0.05

/** With a `phase` the grid is shifted by it; the first run is at once all the same. */
export const repeat = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  interval: Duration.Duration,
  phase: Duration.Duration = Duration.zero
): Effect.Effect<never, E, R> =>
  Effect.flatMap(Monotonic.millis, (startMillis) => {
    const intervalMillis = Duration.toMillis(interval)
    const gridMillis = startMillis + Duration.toMillis(phase) % intervalMillis - intervalMillis
    const toleranceMillis = intervalMillis * tolerance
    let runMillis = startMillis
    const run = Effect.flatMap(Monotonic.millis, (now) => {
      runMillis = now
      return effect
    })
    const untilNext = Effect.map(Monotonic.millis, (now) => {
      const sinceTick = (now - gridMillis) % intervalMillis
      const isTickMissed = sinceTick < toleranceMillis && now - sinceTick - runMillis > toleranceMillis
      if (isTickMissed) return Duration.zero
      const left = intervalMillis - sinceTick
      return Duration.millis(left < toleranceMillis ? left + intervalMillis : left)
    })
    return Effect.andThen(
      Effect.repeat(run, Schedule.modifyDelay(Schedule.forever, () => untilNext)),
      Effect.never
    )
  })
