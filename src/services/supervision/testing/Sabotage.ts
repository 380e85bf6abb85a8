/**
 * What a test does to children that know nothing of it, each by its path in the tree: ends them, lets their starts fail,
 * hang or take long, and lets their stops take long.
 */
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { Interceptor } from "../internal/child/ChildInterception.ts"

/** The defect with which a crashed child dies: no failure of its own, so it is in no child's type. */
export class PlantedCrash extends Data.TaggedError("PlantedCrash")<{ readonly path: string }> {
  override get message(): string {
    return `the test crashed ${this.path}`
  }
}

export interface Sabotage {
  readonly interceptor: Interceptor
  /** Lets the child die of a `PlantedCrash`; false when it does not run. */
  readonly crash: (path: string) => Effect.Effect<boolean>
  /** Interrupts the child from outside, as nobody in a program does: the nearest there is to OTP's `kill`. */
  readonly kill: (path: string) => Effect.Effect<boolean>
  /** Ends the child as if its work were done. */
  readonly complete: (path: string) => Effect.Effect<boolean>
  /** The next `times` starts die of a `PlantedCrash`. */
  readonly failStarts: (path: string, times: number) => Effect.Effect<void>
  /** The next start never ends by itself. */
  readonly hangStart: (path: string) => Effect.Effect<void>
  /** From now on each start and each stop takes so long; nothing for zero. */
  readonly slow: (
    path: string,
    delay: { readonly start?: Duration.Input; readonly stop?: Duration.Input }
  ) => Effect.Effect<void>
  /** From the next start on no stop ends by itself, until `heal`. */
  readonly hangStop: (path: string) => Effect.Effect<void>
  /** Nothing more is done to any child. Stops that hang go on. */
  readonly heal: Effect.Effect<void>
  /** How often each child was started, by path. */
  readonly starts: ReadonlyMap<string, number>
  /** Children whose life has begun and not ended, finalizers of the interception included, by path. */
  readonly alive: ReadonlyMap<string, number>
}

interface Life {
  readonly end: Deferred.Deferred<void>
  readonly fiber: Fiber.Fiber<unknown, unknown>
}

interface Plans {
  failures: number
  hangsStart: boolean
  startDelay: Duration.Duration
  stopDelay: Duration.Duration
  hangsStop: boolean
}

export const make = (): Sabotage => {
  const lives = new Map<string, Life>()
  const plans = new Map<string, Plans>()
  const starts = new Map<string, number>()
  const alive = new Map<string, number>()
  let healed = Deferred.makeUnsafe<void>()

  const planOf = (path: string): Plans => {
    const known = plans.get(path)
    if (known !== undefined) return known
    const made: Plans = {
      failures: 0,
      hangsStart: false,
      startDelay: Duration.zero,
      stopDelay: Duration.zero,
      hangsStop: false
    }
    plans.set(path, made)
    return made
  }

  const count = (path: string, by: number) => {
    const left = (alive.get(path) ?? 0) + by
    if (left === 0) alive.delete(path)
    else alive.set(path, left)
  }

  const starting = (path: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      starts.set(path, (starts.get(path) ?? 0) + 1)
      const plan = planOf(path)
      if (plan.failures > 0) {
        plan.failures -= 1
        return Effect.die(new PlantedCrash({ path }))
      }
      const delay = Duration.isZero(plan.startDelay) ? Effect.void : Effect.sleep(plan.startDelay)
      if (!plan.hangsStart) return delay
      plan.hangsStart = false
      return Deferred.await(healed)
    })

  const stopping = (path: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      const { hangsStop, stopDelay } = planOf(path)
      const delay = Duration.isZero(stopDelay) ? Effect.void : Effect.sleep(stopDelay)
      return hangsStop ? Effect.andThen(delay, Deferred.await(healed)) : delay
    })

  const end = (path: string, how: (life: Life) => void): Effect.Effect<boolean> =>
    Effect.sync(() => {
      const life = lives.get(path)
      if (life === undefined) return false
      lives.delete(path)
      how(life)
      return true
    })

  const change = (path: string, how: (plan: Plans) => void): Effect.Effect<void> => Effect.sync(() => how(planOf(path)))

  return {
    starts,
    alive,
    interceptor: {
      start: (path, start) => Effect.andThen(starting(path), start),
      run: (path, run) =>
        Effect.acquireUseRelease(
          Effect.withFiber((fiber) => {
            const life: Life = { end: Deferred.makeUnsafe(), fiber }
            lives.set(path, life)
            count(path, 1)
            return Effect.succeed(life)
          }),
          (life) => Effect.raceFirst(run, Deferred.await(life.end)),
          (life) => {
            if (lives.get(path) === life) lives.delete(path)
            return Effect.ensuring(stopping(path), Effect.sync(() => count(path, -1)))
          }
        )
    },
    crash: (path) => end(path, (life) => Deferred.doneUnsafe(life.end, Effect.die(new PlantedCrash({ path })))),
    complete: (path) => end(path, (life) => Deferred.doneUnsafe(life.end, Effect.void)),
    kill: (path) => end(path, (life) => life.fiber.interruptUnsafe()),
    failStarts: (path, times) => change(path, (plan) => plan.failures = times),
    hangStart: (path) => change(path, (plan) => plan.hangsStart = true),
    slow: (path, { start, stop }) =>
      change(path, (plan) => {
        if (start !== undefined) plan.startDelay = Duration.fromInputUnsafe(start)
        if (stop !== undefined) plan.stopDelay = Duration.fromInputUnsafe(stop)
      }),
    hangStop: (path) => change(path, (plan) => plan.hangsStop = true),
    heal: Effect.sync(() => {
      plans.clear()
      Deferred.doneUnsafe(healed, Effect.void)
      healed = Deferred.makeUnsafe()
    })
  }
}
