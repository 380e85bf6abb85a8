/**
 * Keeps one loop for each check of an agent that somebody runs: at once, then on the interval, each on its own.
 *
 * When the configuration changes, only the checks it speaks of notice: one that is new runs at once, one that is gone is
 * cut off, one whose interval is another one goes on at its next tick, but no later after its
 * last run than either interval, and all others keep their timers. When the agent
 * turns out to be absent or is back, all begin anew.
 *
 * A loop that waits is a time and no fiber: one alarm rings for all checks of the agent, and each poll has a fiber for as
 * long as it takes. A fleet has thousands of checks, which do nothing for most of the time.
 */
import { Cause, Clock, Context, Duration, Effect, Exit, Fiber, Option } from "effect"
import type { Check } from "../../domain/monitoring/checks/Check.ts"
import { TickGrid } from "../../domain/poller/TickGrid.ts"
import * as Monotonic from "../clock/Monotonic.ts"
import type { AgentLink, AgentTerms, Follower, TrackedCheck } from "./AgentLink.ts"
import * as Lease from "./handover/Lease.ts"
import * as PollerMetrics from "./PollerMetrics.ts"
import { Gate } from "./polls/Gate.ts"

export interface LoopOptions<R> {
  /** None: not one of these. */
  readonly intervalOf: (check: Check, terms: AgentTerms) => Option.Option<Duration.Duration>
  /** Before each poll: by how many milliseconds it is later than its tick. */
  readonly onTick?: (lateMillis: number, context: Context.Context<R>) => void
  readonly poll: (tracked: TrackedCheck) => Effect.Effect<unknown, never, R>
}

interface Timing {
  readonly interval: Duration.Duration
  readonly phase: Duration.Duration
}

interface Loop {
  readonly tracked: TrackedCheck
  readonly timing: Timing
  /** Since the first run; from before it, where that is on the grid too. */
  grid: TickGrid | undefined
  readonly phaseMillis: number
  /** Of the next run, while it waits. */
  dueMillis: number
  /** Of the run, while it asks. */
  fiber: Fiber.Fiber<unknown> | undefined
}

/** Timers and sums of times may be off by less; those due so soon run with the ones that the alarm is for. */
const togetherMillis = 1

const isSameTiming = (one: Timing, other: Timing): boolean =>
  Duration.equals(one.interval, other.interval) && Duration.equals(one.phase, other.phase)

const gridOf = (loop: Loop, now: number): TickGrid =>
  loop.grid ??= new TickGrid(now, {
    intervalMillis: Duration.toMillis(loop.timing.interval),
    phaseMillis: loop.phaseMillis
  })

/**
 * When a check is due whose interval is another one and whose next tick would come later than it may: nobody who changes
 * the interval again and again keeps it from running. Undefined: that tick is in time.
 */
const overdueMillis = ({ timing, tracked: { runs } }: Loop, next: Timing, now: number): number | undefined => {
  if (runs.startedMillis === undefined) return undefined
  const mostMillis = Duration.toMillis(Duration.max(timing.interval, next.interval))
  const grid = new TickGrid(now, {
    intervalMillis: Duration.toMillis(next.interval),
    phaseMillis: Duration.toMillis(next.phase)
  })
  const latestMillis = runs.startedMillis + mostMillis
  return now + grid.next(now).waitMillis <= latestMillis ? undefined : latestMillis
}

class Loops<R> {
  readonly #link: AgentLink
  readonly #options: LoopOptions<R>
  readonly #context: Context.Context<R>
  readonly #loops = new Map<string, Loop>()
  readonly #follower: Follower = { isAnew: false, wake: new Gate(true) }
  #failure: Cause.Cause<never> | undefined = undefined
  #isAbandoned = false
  #alarm: Fiber.Fiber<unknown> | undefined = undefined
  #alarmMillis = Infinity

  constructor(link: AgentLink, options: LoopOptions<R>, context: Context.Context<R>) {
    this.#link = link
    this.#options = options
    this.#context = context
    link.followers.add(this.#follower)
    link.lease.abandoning.add(this.#abandon)
  }

  get keep(): Effect.Effect<never> {
    const { isKnown, lease } = this.#link
    const turn = Effect.andThen(this.#follower.wake.await, Effect.suspend(() => this.#turn()))
    return Effect.andThen(isKnown.await, Effect.andThen(lease.isHeld.await, Effect.forever(turn)))
  }

  /** What is being reported is waited for. */
  close(): Effect.Effect<void> {
    this.#link.followers.delete(this.#follower)
    this.#link.lease.abandoning.delete(this.#abandon)
    return this.#endAll()
  }

  readonly #abandon = (): void => {
    this.#isAbandoned = true
    this.#follower.wake.openUnsafe()
  }

  #now(): number {
    return Monotonic.millisOf(Context.get(this.#context, Clock.Clock))
  }

  #turn(): Effect.Effect<void> {
    const isAnew = this.#isAnew()
    if (this.#failure !== undefined) return Effect.failCause(this.#failure)
    if (isAnew === undefined) return this.#settle()
    const { isHeld } = this.#link.lease
    return Effect.andThen(
      isAnew === "abandoned" ? Effect.andThen(this.#endAll(), isHeld.await) : this.#endAll(),
      Effect.suspend(() => {
        // What came meanwhile is news of what has ended.
        if (isAnew === "abandoned") this.#isAnew()
        return this.#settle()
      })
    )
  }

  #isAnew(): "abandoned" | "anew" | undefined {
    const isAnew = this.#isAbandoned ? "abandoned" : this.#follower.isAnew ? "anew" : undefined
    this.#follower.wake.closeUnsafe()
    this.#follower.isAnew = false
    this.#isAbandoned = false
    return isAnew
  }

  #settle(): Effect.Effect<void> {
    const wanted = new Map(this.#link.checks.map((tracked) => [tracked.key, tracked]))
    const ended = [...this.#loops.values()].filter((loop) =>
      wanted.get(loop.tracked.key) !== loop.tracked || this.#timingOf(loop.tracked, loop) === undefined
    )
    return Effect.andThen(this.#end(ended), Effect.sync(() => this.#beginMissing(wanted.values())))
  }

  #beginMissing(wanted: Iterable<TrackedCheck>): void {
    for (const tracked of wanted) {
      const loop = this.#loops.get(tracked.key)
      const timing = this.#timingOf(tracked, loop)
      // One that asks says itself when it no longer does.
      if (timing === undefined || timing === loop?.timing || loop?.fiber !== undefined) continue
      this.#begin(tracked, timing, loop)
    }
  }

  #begin(tracked: TrackedCheck, timing: Timing, before: Loop | undefined): void {
    const now = this.#now()
    const { runs } = tracked
    const dueMillis = runs.dueMillis ?? (before === undefined ? undefined : overdueMillis(before, timing, now))
    runs.dueMillis = undefined
    const loop: Loop = {
      tracked,
      timing,
      // What was taken over keeps its place in the interval, and the phase is in that.
      phaseMillis: dueMillis === undefined ? Duration.toMillis(timing.phase) : 0,
      grid: undefined,
      dueMillis: dueMillis ?? now,
      fiber: undefined
    }
    this.#loops.set(tracked.key, loop)
    if (before !== undefined && dueMillis === undefined) loop.dueMillis = now + gridOf(loop, now).next(now).waitMillis
    if (loop.dueMillis <= now) this.#ask(loop, now)
    else this.#wait(loop.dueMillis, now)
  }

  /** The one of the loop itself while it is the same. */
  #timingOf(tracked: TrackedCheck, loop: Loop | undefined): Timing | undefined {
    const { terms } = this.#link
    const interval = Option.getOrUndefined(this.#options.intervalOf(tracked.check, terms))
    if (interval === undefined) return undefined
    const timing = { interval, phase: terms.phase }
    return loop !== undefined && isSameTiming(loop.timing, timing) ? loop.timing : timing
  }

  #ask(loop: Loop, now: number): void {
    const { tracked } = loop
    const { lease, terms } = this.#link
    loop.dueMillis = Infinity
    const lateMillis = gridOf(loop, now).begin(now)
    this.#options.onTick?.(lateMillis, this.#context)
    const fiber = this.#fork(Lease.run(lease, tracked.runs, this.#options.poll(tracked)))
    loop.fiber = fiber
    fiber.addObserver((exit) => this.#asked(loop, terms, exit))
  }

  /** Whoever forks observes its end. */
  #fork(effect: Effect.Effect<unknown, never, R>): Fiber.Fiber<unknown> {
    return Effect.runForkWith(this.#context)(effect)
  }

  #asked(loop: Loop, terms: AgentTerms, exit: Exit.Exit<unknown>): void {
    loop.fiber = undefined
    if (Exit.isFailure(exit)) {
      if (!Cause.hasInterruptsOnly(exit.cause)) this.#fail(exit.cause)
      return
    }
    if (this.#loops.get(loop.tracked.key) !== loop || loop.grid === undefined) return
    const now = this.#now()
    const { missed, waitMillis } = loop.grid.next(now)
    if (missed > 0) PollerMetrics.pollsSkippedOf.late.updateUnsafe(missed, this.#context)
    loop.dueMillis = now + waitMillis
    this.#wait(loop.dueMillis, now)
    // Its interval changed meanwhile.
    if (terms !== this.#link.terms && this.#timingOf(loop.tracked, loop) !== loop.timing) {
      this.#follower.wake.openUnsafe()
    }
  }

  #fail(cause: Cause.Cause<never>): void {
    this.#failure = cause
    this.#follower.wake.openUnsafe()
  }

  #wait(dueMillis: number, now: number): void {
    if (dueMillis >= this.#alarmMillis) return
    this.#quiet()
    this.#alarmMillis = dueMillis
    const alarm = this.#fork(Effect.sleep(Duration.millis(Math.max(0, dueMillis - now))))
    this.#alarm = alarm
    alarm.addObserver((exit) => {
      if (this.#alarm !== alarm) return
      if (Exit.isFailure(exit)) return this.#fail(exit.cause)
      this.#ring(dueMillis)
    })
  }

  #ring(wantedMillis: number): void {
    this.#quiet()
    const now = this.#now()
    const until = Math.max(now, wantedMillis) + togetherMillis
    for (const loop of this.#loops.values()) if (loop.dueMillis <= until) this.#ask(loop, now)
    let next = Infinity
    for (const { dueMillis } of this.#loops.values()) next = Math.min(next, dueMillis)
    this.#wait(next, now)
  }

  #quiet(): void {
    const alarm = this.#alarm
    this.#alarm = undefined
    this.#alarmMillis = Infinity
    alarm?.interruptUnsafe()
  }

  #end(loops: ReadonlyArray<Loop>): Effect.Effect<void> {
    for (const { tracked } of loops) this.#loops.delete(tracked.key)
    const fibers = loops.flatMap(({ fiber }) => fiber === undefined ? [] : [fiber])
    return fibers.length === 0 ? Effect.void : Fiber.interruptAll(fibers)
  }

  #endAll(): Effect.Effect<void> {
    this.#quiet()
    return this.#end([...this.#loops.values()])
  }
}

/** Never ends by itself. */
export const run = <R>(link: AgentLink, options: LoopOptions<R>): Effect.Effect<never, never, R> =>
  Effect.contextWith((context: Context.Context<R>) =>
    Effect.acquireUseRelease(
      Effect.sync(() => new Loops(link, options, context)),
      (loops) => loops.keep,
      (loops) => loops.close()
    )
  )
