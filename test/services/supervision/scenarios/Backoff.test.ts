import { assert, describe } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as fc from "fast-check"
import * as Supervisor from "../../../../src/services/supervision/Supervisor.ts"
import { parameters } from "../../../domain/supervision/SupervisorCommands.ts"
import { passTime } from "../../../support/StepBudget.ts"
import { it, withoutLeaks } from "../fixtures/Leaks.ts"
import { Boom, settle, Trace } from "../fixtures/Trace.ts"

const doubling = Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("4 seconds")])

const generous = { maxRestarts: 100, period: "1 hour" } as const

/** Milliseconds until the child is started again. */
const pause = (trace: Trace, stepMillis = 100) =>
  Effect.gen(function*() {
    trace.take()
    let passed = 0
    while (!trace.log.some((line) => line.startsWith("+") || line.startsWith("!")) && passed < 60_000) {
      yield* passTime(stepMillis)
      yield* settle
      passed += stepMillis
    }
    return passed
  })

describe("Backoff between restarts (scenario 82)", () => {
  it.effect("82: follows the schedule up to its most, failed attempts included", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      yield* Supervisor.start({
        id: "root",
        strategy: "one_for_one",
        intensity: generous,
        children: [trace.child("a", { backoff: { schedule: doubling } })]
      })
      trace.failStart("a", 3)
      yield* trace.end("a")

      const pauses = [yield* pause(trace), yield* pause(trace), yield* pause(trace), yield* pause(trace)]

      assert.deepStrictEqual(pauses, [1000, 2000, 4000, 4000])
    }))

  it.effect("82: stays within the bounds of its jitter", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      yield* Supervisor.start({
        id: "root",
        strategy: "one_for_one",
        intensity: generous,
        children: [trace.child("a", { backoff: { schedule: Schedule.jittered(Schedule.spaced("1 second")) } })]
      })
      for (let crash = 0; crash < 20; crash += 1) {
        yield* trace.end("a")
        assert.isTrue((yield* pause(trace, 10)) >= 800)
      }
      yield* trace.end("a")
      assert.isTrue((yield* pause(trace, 10)) <= 1210)
    }))

  it.effect("82: starts afresh after a quiet time", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      yield* Supervisor.start({
        id: "root",
        strategy: "one_for_one",
        intensity: generous,
        children: [trace.child("a", { backoff: { schedule: doubling, resetAfter: "30 seconds" } })]
      })
      yield* trace.end("a")
      assert.strictEqual(yield* pause(trace), 1000)
      yield* trace.end("a")
      assert.strictEqual(yield* pause(trace), 2000)

      yield* passTime("30 seconds")
      yield* trace.end("a")

      assert.strictEqual(yield* pause(trace), 1000)
    }))

  it.effect("82: does not delay a stop, and shows until when it waits", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* Supervisor.start({
        id: "root",
        strategy: "one_for_one",
        children: [trace.child("a", { backoff: { schedule: doubling } })]
      })
      yield* trace.end("a")
      assert.deepInclude((yield* supervisor.tree).children[0], { state: "restarting", backoffUntil: 1000 })

      yield* supervisor.stop

      assert.strictEqual((yield* supervisor.tree).state, "stopped")
    }))

  it.effect("stops the group at once, and starts it together after the pause", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      yield* Supervisor.start({
        id: "root",
        strategy: "rest_for_one",
        children: [trace.child("a"), trace.child("b", { backoff: { schedule: doubling } }), trace.child("c")]
      })
      trace.take()

      yield* trace.end("b")
      assert.strictEqual(trace.take(), "-b -c")
      yield* passTime("1 second")
      yield* settle

      assert.strictEqual(trace.take(), "+b +c")
    }))

  it.effect("repeats the last delay of a schedule that has an end", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      yield* Supervisor.start({
        id: "root",
        strategy: "one_for_one",
        intensity: generous,
        children: [
          trace.child("a", { backoff: { schedule: Schedule.upTo(Schedule.spaced("1 second"), { times: 1 }) } })
        ]
      })
      const pauses: Array<number> = []
      for (let crash = 0; crash < 3; crash += 1) {
        yield* trace.end("a")
        pauses.push(yield* pause(trace))
      }

      assert.deepStrictEqual(pauses, [1000, 1000, 1000])
    }))
})

interface Pauses {
  readonly baseMillis: number
  readonly factor: number
  readonly mostMillis: number
  readonly seed: number
  /** For each attempt but the last, whether it fails to start; otherwise it starts and fails at once. */
  readonly fails: ReadonlyArray<boolean>
}

/** Milliseconds between the attempts to start a child that fails each time but the last. */
const gaps = ({ baseMillis, factor, fails, mostMillis, seed }: Pauses): Promise<ReadonlyArray<number>> =>
  Effect.gen(function*() {
    const attempts: Array<number> = []
    const grown = Schedule.jittered(Schedule.exponential(baseMillis, factor))
    yield* Supervisor.start({
      id: "root",
      strategy: "one_for_one",
      intensity: generous,
      children: [
        Supervisor.child({
          id: "a",
          backoff: { schedule: Schedule.min([grown, Schedule.spaced(mostMillis)]) },
          // The first start has to succeed, for it is not a restart.
          start: Effect.gen(function*() {
            attempts.push(yield* Clock.currentTimeMillis)
            const isOver = attempts.length > fails.length
            if (attempts.length > 1 && fails[attempts.length - 1] === true) return yield* Effect.fail(new Boom("a"))
            return isOver ? Effect.never : Effect.fail(new Boom("a"))
          })
        })
      ]
    })
    for (let attempt = 0; attempt < fails.length; attempt += 1) {
      yield* settle
      yield* passTime(mostMillis)
    }
    yield* settle
    return attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0))
  }).pipe(
    withoutLeaks,
    Random.withSeed(seed),
    Effect.provide([TestClock.layer(), Logger.layer([])]),
    Effect.runPromise
  )

describe("Invariants of backoff (24, 30)", () => {
  const pauses = fc.record({
    baseMillis: fc.integer({ min: 1, max: 2000 }),
    factor: fc.constantFrom(1, 2, 3),
    mostMillis: fc.integer({ min: 500, max: 10_000 }),
    seed: fc.integer(),
    fails: fc.array(fc.boolean(), { minLength: 1, maxLength: 6 })
  })

  it("30: lies within its jitter and never above its most, and is the same again with the same seed", () =>
    fc.assert(
      fc.asyncProperty(pauses, async (pauses) => {
        const found = await gaps(pauses)

        assert.strictEqual(found.length, pauses.fails.length)
        for (const [index, gap] of found.entries()) {
          const delayMillis = pauses.baseMillis * pauses.factor ** index
          assert.isAtLeast(gap, Math.min(pauses.mostMillis, 0.8 * delayMillis) - 1)
          assert.isAtMost(gap, Math.min(pauses.mostMillis, 1.2 * delayMillis) + 1)
        }
        assert.deepStrictEqual(await gaps(pauses), found)
      }),
      parameters(300)
    ))
})
