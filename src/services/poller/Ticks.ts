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

export interface TickOptions {
  /** The grid is shifted by it; the first run is at once all the same. */
  readonly phase?: Duration.Duration
  /** Before each run: by how many milliseconds it is later than its tick. */
  readonly onTick?: (lateMillis: number) => Effect.Effect<void>
}

const untold = () => Effect.void

export const repeat = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  interval: Duration.Duration,
  { onTick = untold, phase = Duration.zero }: TickOptions = {}
): Effect.Effect<never, E, R> =>
  Effect.flatMap(Monotonic.millis, (startMillis) => {
    const intervalMillis = Duration.toMillis(interval)
    const gridMillis = startMillis + Duration.toMillis(phase) % intervalMillis - intervalMillis
    const toleranceMillis = intervalMillis * tolerance
    let runMillis = startMillis
    let tickMillis = startMillis
    const run = Effect.flatMap(Monotonic.millis, (now) => {
      runMillis = now
      return Effect.andThen(onTick(Math.max(0, now - tickMillis)), effect)
    })
    const untilNext = Effect.map(Monotonic.millis, (now) => {
      const sinceTick = (now - gridMillis) % intervalMillis
      const isTickMissed = sinceTick < toleranceMillis && now - sinceTick - runMillis > toleranceMillis
      if (isTickMissed) {
        tickMillis = now - sinceTick
        return Duration.zero
      }
      const left = intervalMillis - sinceTick
      const wait = left < toleranceMillis ? left + intervalMillis : left
      tickMillis = now + wait
      return Duration.millis(wait)
    })
    return Effect.andThen(
      Effect.repeat(run, Schedule.modifyDelay(Schedule.forever, () => untilNext)),
      Effect.never
    )
  })
