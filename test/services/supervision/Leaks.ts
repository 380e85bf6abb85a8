/**
 * Holds every test of supervision to what it started: when the test and its Scope are done, no fiber may be left.
 *
 * Counts fibers of every kind (children, supervisors, timers, watchdogs, event streams), by the hook that Effect keeps
 * for fiber metrics. A child that a test has left behind on purpose is announced with `leftBehind`, and must be there.
 */
import { assert, it as plain } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"

interface Count {
  live: number
  allowed: number
}

const Counted = Context.Reference<Count>("test/services/supervision/Leaks", {
  defaultValue: () => ({ live: 0, allowed: 0 })
})

/** Announces that this many fibers outlive the test, because they cannot be interrupted. */
export const leftBehind = (fibers: number): Effect.Effect<void> =>
  Effect.map(Counted, (count) => {
    count.allowed += fibers
  })

/** Fibers started inside that have not ended, after everything had time to end. */
const liveAfterwards = (count: Count): Effect.Effect<number> =>
  Effect.gen(function*() {
    for (let turn = 0; turn < 200 && count.live !== count.allowed; turn += 1) yield* Effect.yieldNow
    return count.live
  })

/** Fails when the effect, its Scope closed, has left more or fewer fibers than it announced. */
export const withoutLeaks = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, Exclude<R, Scope.Scope>> =>
  Effect.suspend(() => {
    const count: Count = { live: 0, allowed: 0 }
    const counting: Metric.FiberRuntimeMetricsService = {
      recordFiberStart: () => {
        count.live += 1
      },
      recordFiberEnd: () => {
        count.live -= 1
      }
    }
    // In a fiber of its own, so that what the test has forked as children ends with it before the count.
    const test = Effect.flatMap(Effect.forkChild(Effect.scoped(effect), { startImmediately: true }), Fiber.join)
    return test.pipe(
      Effect.provideService(Metric.FiberRuntimeMetrics, counting),
      Effect.provideService(Counted, count),
      Effect.tap(() =>
        Effect.map(liveAfterwards(count), (live) => assert.strictEqual(live, count.allowed, "fibers left behind"))
      )
    )
  })

type Body<Args extends ReadonlyArray<unknown>, A, E> = (...args: Args) => Effect.Effect<A, E, Scope.Scope>

/** As `it` of `@effect/vitest`, with a look at the fibers after each test that is an effect. */
export const it = Object.assign(
  (name: string, body: () => void | Promise<void>, timeout?: number): void => plain(name, body, timeout),
  {
    effect: Object.assign(
      <A, E>(name: string, body: Body<[], A, E>, timeout?: number): void =>
        plain.effect(name, () => withoutLeaks(body()), timeout),
      {
        each: <T>(cases: ReadonlyArray<T>) => <A, E>(name: string, body: Body<[T], A, E>, timeout?: number): void =>
          plain.effect.each(cases)(name, (value) => withoutLeaks(body(value)), timeout)
      }
    ),
    live: <A, E>(name: string, body: Body<[], A, E>, timeout?: number): void =>
      plain.live(name, () => withoutLeaks(body()), timeout)
  }
)
