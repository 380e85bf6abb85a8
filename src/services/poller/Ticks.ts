/**
 * Repeats on a fixed grid of time: at once, then at every multiple of the interval since the start.
 *
 * A run that takes longer skips the ticks it missed; one that ends with a tick, as a timeout of one interval does, takes
 * that tick. `Schedule.fixed` counts from the end of the first run and makes
 * up for missed ticks without a pause; neither is what an operator means by "every 30 s".
 */
import { Duration, Effect } from "effect"
import * as Monotonic from "../clock/Monotonic.ts"

/** Timers may fire a moment early; a tick this close is the one that has just been. */
const tolerance = 0.05

export interface TickOptions {
  /** The grid is shifted by it; the first run is at once all the same. */
  readonly phase?: Duration.Duration
  /** Before each run: by how many milliseconds it is later than its tick. */
  readonly onTick?: ((lateMillis: number) => Effect.Effect<void>) | undefined
  /** The first run is on the grid too, as when the interval changes between two runs. */
  readonly isFirstOnGrid?: boolean
  /** Told how many ticks a run took so long that it missed them. */
  readonly onSkipped?: (ticks: number) => Effect.Effect<void>
}

const untold = () => Effect.void

export const repeat = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  interval: Duration.Duration,
  { isFirstOnGrid = false, onSkipped, onTick = untold, phase = Duration.zero }: TickOptions = {}
): Effect.Effect<never, E, R> =>
  Effect.flatMap(Monotonic.millis, (startMillis) => {
    const intervalMillis = Duration.toMillis(interval)
    const gridMillis = startMillis + Duration.toMillis(phase) % intervalMillis - intervalMillis
    const toleranceMillis = intervalMillis * tolerance
    let runMillis = startMillis
    let tickMillis = startMillis
    const run = Effect.clockWith((clock) => {
      runMillis = Monotonic.millisOf(clock)
      const told = onTick(Math.max(0, runMillis - tickMillis))
      return told === Effect.void ? effect : Effect.andThen(told, effect)
    })
    const next = (now: number) => {
      const sinceTick = (now - gridMillis) % intervalMillis
      const isTickMissed = sinceTick < toleranceMillis && now - sinceTick - runMillis > toleranceMillis
      const left = intervalMillis - sinceTick
      const wait = isTickMissed ? 0 : left < toleranceMillis ? left + intervalMillis : left
      tickMillis = isTickMissed ? now - sinceTick : now + wait
      return wait
    }
    const skipped = (now: number, wait: number): number => {
      const ran = Math.floor((runMillis - gridMillis + toleranceMillis) / intervalMillis)
      return Math.floor((now - gridMillis) / intervalMillis) - ran - (wait === 0 ? 1 : 0)
    }
    const pause = Effect.clockWith((clock) => {
      const now = Monotonic.millisOf(clock)
      const wait = next(now)
      const missed = onSkipped === undefined ? 0 : skipped(now, wait)
      const slept = clock.sleep(Duration.millis(wait))
      return onSkipped === undefined || missed <= 0 ? slept : Effect.andThen(onSkipped(missed), slept)
    })
    const once = Effect.andThen(run, pause)
    return Effect.andThen(
      isFirstOnGrid ? Effect.sleep(Duration.millis(next(startMillis))) : Effect.void,
      // Sleeping lets others have their turn.
      Effect.forever(once, { disableYield: true })
    )
  })
