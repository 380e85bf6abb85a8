/**
 * Keeps one loop for each check of an agent that somebody runs: at once, then on the interval, each on its own.
 *
 * When the configuration changes, only the checks it speaks of notice: one that is new runs at once, one that is gone is
 * cut off, one whose interval is another one goes on at its next tick, and all others keep their timers. When the agent
 * turns out to be absent or is back, all begin anew.
 */
import { Cause, Duration, Effect, Exit, Fiber, Latch, Metric, Option, type Scope } from "effect"
import type { Check } from "../../domain/monitoring/checks/Check.ts"
import type { AgentLink, AgentTerms, Follower, TrackedCheck } from "./AgentLink.ts"
import * as Lease from "./handover/Lease.ts"
import * as PollerMetrics from "./PollerMetrics.ts"
import * as Ticks from "./Ticks.ts"

export interface LoopOptions<R> {
  /** None: not one of these. */
  readonly intervalOf: (check: Check, terms: AgentTerms) => Option.Option<Duration.Duration>
  /** Before each poll: by how many milliseconds it is later than its tick. */
  readonly onTick?: (lateMillis: number) => Effect.Effect<void>
  readonly poll: (tracked: TrackedCheck) => Effect.Effect<unknown, never, R>
}

interface Timing {
  readonly interval: Duration.Duration
  readonly phase: Duration.Duration
}

interface Loop {
  readonly tracked: TrackedCheck
  readonly timing: Timing
  /** Whether it asks at the moment instead of waiting. */
  isAsking: boolean
  fiber: Fiber.Fiber<never> | undefined
}

const isSameTiming = (one: Timing, other: Timing): boolean =>
  Duration.equals(one.interval, other.interval) && Duration.equals(one.phase, other.phase)

const onSkipped = (ticks: number) => Metric.update(PollerMetrics.pollsSkippedOf.late, ticks)

/** Never ends by itself. */
export const run = <R>(link: AgentLink, { intervalOf, onTick, poll }: LoopOptions<R>): Effect.Effect<never, never, R> =>
  Effect.scoped(Effect.gen(function*() {
    const follower = yield* follow(link)
    const loops = new Map<string, Loop>()
    let failure = Option.none<Cause.Cause<never>>()

    const begin = Effect.fnUntraced(function*(tracked: TrackedCheck, timing: Timing, isFirstOnGrid: boolean) {
      const loop: Loop = { tracked, timing, isAsking: false, fiber: undefined }
      const { terms } = link
      const ended = (): Effect.Effect<void> => {
        loop.isAsking = false
        // Its interval changed meanwhile.
        return terms === link.terms || timingOf(tracked, loop) === timing
          ? Effect.void
          : Effect.asVoid(follower.wake.open)
      }
      const asking = Effect.suspend(() => {
        loop.isAsking = true
        return Lease.run(link.lease, tracked.runs, poll(tracked), ended)
      })
      loops.set(tracked.key, loop)
      // What was taken over keeps its place in the interval, and the phase is in that.
      const isTakenOver = tracked.runs.dueMillis !== undefined
      loop.fiber = yield* Effect.andThen(
        Lease.untilDue(tracked.runs),
        Ticks.repeat(asking, timing.interval, {
          phase: isTakenOver ? Duration.zero : timing.phase,
          isFirstOnGrid: isFirstOnGrid && !isTakenOver,
          onSkipped,
          onTick
        })
      ).pipe(
        Effect.onExit((exit) =>
          Effect.suspend(() => {
            if (!Exit.isFailure(exit) || Cause.hasInterruptsOnly(exit.cause)) return Effect.void
            failure = Option.some(exit.cause)
            return follower.wake.open
          })
        ),
        Effect.forkChild({ startImmediately: true })
      )
    })

    /** The one of the loop itself while it is the same. */
    const timingOf = (tracked: TrackedCheck, loop: Loop | undefined): Timing | undefined => {
      const interval = Option.getOrUndefined(intervalOf(tracked.check, link.terms))
      if (interval === undefined) return undefined
      const timing = { interval, phase: link.terms.phase }
      return loop !== undefined && isSameTiming(loop.timing, timing) ? loop.timing : timing
    }

    const end = Effect.fnUntraced(function*(loop: Loop) {
      loops.delete(loop.tracked.key)
      if (loop.fiber !== undefined) yield* Fiber.interrupt(loop.fiber)
    })

    const endAll = Effect.suspend(() =>
      Effect.forEach([...loops.values()], end, { concurrency: "unbounded", discard: true })
    )
    // What is being reported is waited for.
    yield* Effect.addFinalizer(() => endAll)

    const settle = Effect.gen(function*() {
      const wanted = new Map(link.checks.map((tracked) => [tracked.key, tracked]))
      for (const [key, loop] of loops) {
        if (wanted.get(key) !== loop.tracked || timingOf(loop.tracked, loop) === undefined) yield* end(loop)
      }
      for (const tracked of wanted.values()) {
        const loop = loops.get(tracked.key)
        const timing = timingOf(tracked, loop)
        if (timing === undefined || timing === loop?.timing || loop?.isAsking === true) continue
        if (loop !== undefined) yield* end(loop)
        yield* begin(tracked, timing, loop !== undefined)
      }
    })

    const keep = Effect.forever(Effect.gen(function*() {
      yield* follower.wake.await
      yield* follower.wake.close
      if (Option.isSome(failure)) return yield* Effect.failCause(failure.value)
      if (follower.isAnew) {
        follower.isAnew = false
        yield* endAll
      }
      yield* settle
    }))
    const kept = Effect.ensuring(Effect.andThen(follower.wake.open, keep), endAll)
    yield* link.isKnown.await
    return yield* Lease.whileHeld(link.lease, kept)
  }))

const follow = (link: AgentLink): Effect.Effect<Follower, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const follower: Follower = { isAnew: false, wake: Latch.makeUnsafe(true) }
      link.followers.add(follower)
      return follower
    }),
    (follower) => Effect.sync(() => link.followers.delete(follower))
  )
