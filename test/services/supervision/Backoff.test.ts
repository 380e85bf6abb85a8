import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import { it } from "./Leaks.ts"
import { settle, Trace } from "./Trace.ts"

const doubling = Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("4 seconds")])

const generous = { maxRestarts: 100, period: "1 hour" } as const

/** Milliseconds until the child is started again. */
const pause = (trace: Trace, stepMillis = 100) =>
  Effect.gen(function*() {
    trace.take()
    let passed = 0
    while (!trace.log.some((line) => line.startsWith("+") || line.startsWith("!")) && passed < 60_000) {
      yield* TestClock.adjust(stepMillis)
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

      yield* TestClock.adjust("30 seconds")
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
      yield* TestClock.adjust("1 second")
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
