import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Fiber, Schedule, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as CircuitBreaker from "../../../src/services/breaker/CircuitBreaker.ts"

type Class = "refused" | "slow"
const classify = (cause: Cause.Cause<Class>): Class | "ignored" => {
  const error = cause.reasons.find(Cause.isFailReason)?.error
  return error ?? "ignored"
}
const make = (probes = 1) =>
  CircuitBreaker.make({ thresholds: { refused: 2, slow: 5 }, openDuration: "30 seconds", probes })

const call = <A>(breaker: CircuitBreaker.CircuitBreaker<Class>, self: Effect.Effect<A, Class>, key = "db") =>
  breaker.execute(self, { key, classify })
const refused = Effect.fail<Class>("refused")
const slow = Effect.fail<Class>("slow")
const open = (breaker: CircuitBreaker.CircuitBreaker<Class>) =>
  Effect.repeat(Effect.ignore(call(breaker, refused)), { times: 1 })

describe("CircuitBreaker", () => {
  it.effect("opens after a class's own number of failures", () =>
    Effect.gen(function*() {
      const breaker = yield* make()

      yield* Effect.repeat(Effect.ignore(call(breaker, slow)), { times: 3 })
      yield* Effect.ignore(call(breaker, refused))
      assert.strictEqual(yield* breaker.state("db"), "closed")
      yield* Effect.ignore(call(breaker, slow))
      assert.strictEqual(yield* breaker.state("db"), "open")
    }))

  it.effect("begins to count again after a success", () =>
    Effect.gen(function*() {
      const breaker = yield* make()

      yield* Effect.ignore(call(breaker, refused))
      yield* call(breaker, Effect.void)
      yield* Effect.ignore(call(breaker, refused))

      assert.strictEqual(yield* breaker.state("db"), "closed")
    }))

  it.effect("lets no call reach an open dependency, and says when to come again", () =>
    Effect.gen(function*() {
      const breaker = yield* make()
      yield* open(breaker)
      yield* TestClock.adjust("10 seconds")

      const error = yield* Effect.flip(call(breaker, Effect.die("reached")))

      assert.isTrue(
        typeof error !== "string" && error.reason._tag === "CircuitOpen" && String(error.reason.retryAfter) !== ""
      )
      assert.strictEqual(yield* breaker.state("other"), "closed")
    }))

  it.effect("admits exactly n probes at once and closes when all have succeeded", () =>
    Effect.gen(function*() {
      const breaker = yield* make(3)
      yield* open(breaker)
      yield* TestClock.adjust("30 seconds")
      const mayEnd = yield* Deferred.make<void>()
      let reached = 0
      const probe = call(breaker, Effect.andThen(Effect.sync(() => void (reached += 1)), Deferred.await(mayEnd)))

      const fibers = yield* Effect.forEach(
        [1, 2, 3, 4, 5],
        () => Effect.forkChild(Effect.exit(probe), { startImmediately: true })
      )
      assert.strictEqual(reached, 3)
      assert.strictEqual(yield* breaker.state("db"), "half_open")
      yield* Deferred.succeed(mayEnd, undefined)
      yield* Effect.forEach(fibers, Fiber.join)

      assert.strictEqual(yield* breaker.state("db"), "closed")
    }))

  it.effect("opens again when one of the probes fails", () =>
    Effect.gen(function*() {
      const breaker = yield* make(2)
      yield* open(breaker)
      yield* TestClock.adjust("30 seconds")

      yield* call(breaker, Effect.void)
      yield* Effect.ignore(call(breaker, slow))

      assert.strictEqual(yield* breaker.state("db"), "open")
    }))

  it.effect("gives the place of an interrupted probe to the next", () =>
    Effect.gen(function*() {
      const breaker = yield* make()
      yield* open(breaker)
      yield* TestClock.adjust("30 seconds")

      const probe = yield* Effect.forkChild(call(breaker, Effect.never), { startImmediately: true })
      yield* Fiber.interrupt(probe)
      yield* call(breaker, Effect.void)

      assert.strictEqual(yield* breaker.state("db"), "closed")
    }))

  it.effect("ignores the late outcome of a call from before the circuit opened", () =>
    Effect.gen(function*() {
      const breaker = yield* make()
      const mayEnd = yield* Deferred.make<void>()
      const late = yield* Effect.forkChild(call(breaker, Deferred.await(mayEnd)), { startImmediately: true })
      yield* open(breaker)

      yield* Deferred.succeed(mayEnd, undefined)
      yield* Fiber.join(late)

      assert.strictEqual(yield* breaker.state("db"), "open")
    }))

  it.effect("obeys the operator until let go", () =>
    Effect.gen(function*() {
      const breaker = yield* make()

      yield* breaker.force("db", "closed")
      yield* Effect.repeat(Effect.ignore(call(breaker, refused)), { times: 9 })
      assert.strictEqual(yield* breaker.state("db"), "forced_closed")
      yield* breaker.force("db", "open")
      yield* TestClock.adjust("1 hour")
      assert.notStrictEqual(yield* Effect.flip(call(breaker, Effect.void)), "refused")
      yield* breaker.force("db", "auto")
      yield* call(breaker, Effect.void)

      assert.strictEqual(yield* breaker.state("db"), "closed")
    }))

  it.effect("reports each change once, with its reason", () =>
    Effect.gen(function*() {
      const breaker = yield* make()
      const events = yield* Effect.forkChild(Stream.runCollect(Stream.take(breaker.events, 4)), {
        startImmediately: true
      })

      yield* open(breaker)
      yield* TestClock.adjust("30 seconds")
      yield* call(breaker, Effect.void)
      yield* breaker.force("db", "open")
      yield* breaker.force("db", "open")

      const seen = yield* Fiber.join(events)
      assert.deepStrictEqual(seen.map(({ from, to, because }) => `${from} > ${to}: ${because}`), [
        "closed > open: refused",
        "open > half_open: open time passed",
        "half_open > closed: probes succeeded",
        "closed > forced_open: forced"
      ])
    }))

  it.effect("opens longer each time by its schedule", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({
        thresholds: { refused: 1 },
        openDuration: Schedule.exponential("1 second")
      })
      const fail = Effect.ignore(breaker.execute(refused, { key: "db", classify: () => "refused" }))
      yield* fail
      yield* TestClock.adjust("1 second")
      yield* fail
      yield* TestClock.adjust("1 second")
      yield* fail

      assert.strictEqual(yield* breaker.state("db"), "open")
      yield* TestClock.adjust("1 second")
      yield* breaker.execute(Effect.void, { key: "db", classify: () => "refused" })
      assert.strictEqual(yield* breaker.state("db"), "closed")
    }))

  it.effect("counts the thresholds of many keys apart and forgets quiet keys beyond its limit", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ thresholds: { refused: 2 }, openDuration: "1 second", keysMax: 2 })
      const fail = (key: string) => Effect.ignore(breaker.execute(refused, { key, classify: () => "refused" }))

      yield* fail("a")
      yield* breaker.execute(Effect.void, { key: "b", classify: () => "refused" })
      yield* fail("c")
      yield* fail("a")

      assert.strictEqual(yield* breaker.state("a"), "open")
      assert.strictEqual(yield* breaker.state("c"), "closed")
    }))
})
