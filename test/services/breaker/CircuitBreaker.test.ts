import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Deferred, Effect, Exit, Fiber, Schedule, Stream } from "effect"
import * as CircuitBreaker from "../../../src/services/breaker/CircuitBreaker.ts"
import { giveWay, passTime } from "../../support/StepBudget.ts"
import { withClockAhead } from "../../support/WallClock.ts"

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
      yield* passTime("10 seconds")

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
      yield* passTime("30 seconds")
      const mayEnd = yield* Deferred.make<void>()
      let reached = 0
      const probe = call(breaker, Effect.andThen(Effect.sync(() => void (reached += 1)), Deferred.await(mayEnd)))

      const fibers = yield* Effect.forEach(
        [1, 2, 3, 4, 5],
        () => Effect.forkChild(Effect.exit(probe), { startImmediately: true })
      )
      yield* giveWay(1)
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
      yield* passTime("30 seconds")

      yield* call(breaker, Effect.void)
      yield* Effect.ignore(call(breaker, slow))

      assert.strictEqual(yield* breaker.state("db"), "open")
    }))

  it.effect("gives the place of an interrupted probe to the next", () =>
    Effect.gen(function*() {
      const breaker = yield* make()
      yield* open(breaker)
      yield* passTime("30 seconds")

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
      yield* passTime("1 hour")
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
      yield* passTime("30 seconds")
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
      yield* passTime("1 second")
      yield* fail
      yield* passTime("1 second")
      yield* fail

      assert.strictEqual(yield* breaker.state("db"), "open")
      yield* passTime("1 second")
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

  it.effect("keeps what an operator forced, however many other keys fail meanwhile", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ thresholds: { refused: 3 }, openDuration: "1 second", keysMax: 3 })
      yield* breaker.force("in maintenance", "open")

      yield* Effect.forEach(["a", "b", "c", "d", "e"], (key) =>
        Effect.ignore(breaker.execute(refused, { key, classify: () => "refused" })))

      assert.strictEqual(yield* breaker.state("in maintenance"), "forced_open")
    }))

  it.effect("counts a class that is named as what every object has", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ thresholds: { constructor: 2 }, openDuration: "1 second" })
      const failing = Effect.ignore(breaker.execute(refused, { key: "db", classify: () => "constructor" }))

      yield* failing
      assert.strictEqual(yield* breaker.state("db"), "closed")
      yield* failing
      assert.strictEqual(yield* breaker.state("db"), "open")
    }))

  describe("a window", () => {
    const window = {
      period: "10 seconds",
      callsMin: 4,
      failureRate: 0.5,
      slowCallRate: 0.5,
      slowCall: "1 second"
    } as const
    const windowed = CircuitBreaker.make({
      thresholds: { refused: 100, slow: 100 },
      openDuration: "30 seconds",
      window
    })

    it.effect("opens when the share of failures is reached, successes in between or not", () =>
      Effect.gen(function*() {
        const breaker = yield* windowed

        for (let round = 0; round < 2; round += 1) {
          assert.strictEqual(yield* breaker.state("db"), "closed")
          yield* call(breaker, Effect.void)
          yield* Effect.ignore(call(breaker, refused))
        }

        assert.strictEqual(yield* breaker.state("db"), "open")
      }))

    it.effect("refuses the next call when a success has brought the calls that were wanting", () =>
      Effect.gen(function*() {
        const breaker = yield* windowed

        yield* Effect.ignore(call(breaker, refused))
        yield* Effect.ignore(call(breaker, refused))
        yield* call(breaker, Effect.void)
        yield* call(breaker, Effect.void)

        const error = yield* Effect.flip(call(breaker, Effect.void))
        assert.strictEqual(typeof error === "string" ? error : error.reason._tag, "CircuitOpen")
      }))

    it.effect("alone opens for a class whose threshold is Infinity", () =>
      Effect.gen(function*() {
        const breaker = yield* CircuitBreaker.make({
          thresholds: { refused: Number.POSITIVE_INFINITY },
          openDuration: "30 seconds",
          window: { period: "10 seconds", callsMin: 20, failureRate: 0.5 }
        })
        const failing = Effect.ignore(breaker.execute(refused, { key: "db", classify: () => "refused" }))

        yield* Effect.repeat(failing, { times: 18 })
        assert.strictEqual(yield* breaker.state("db"), "closed")
        yield* failing
        assert.strictEqual(yield* breaker.state("db"), "open")
      }))

    it.effect("opens when the share of slow calls is reached, and a slow probe opens it again", () =>
      Effect.gen(function*() {
        const breaker = yield* windowed
        const events: Array<CircuitBreaker.CircuitEvent> = []
        breaker.watch((event) => events.push(event))
        const slowly = Effect.gen(function*() {
          const fiber = yield* Effect.forkChild(call(breaker, Effect.sleep("1 second")), { startImmediately: true })
          yield* passTime("1 second")
          yield* Fiber.join(fiber)
        })

        for (let round = 0; round < 4; round += 1) yield* slowly
        assert.strictEqual(yield* breaker.state("db"), "open")
        yield* passTime("30 seconds")
        yield* slowly
        assert.strictEqual(yield* breaker.state("db"), "open")
        yield* passTime("30 seconds")
        yield* call(breaker, Effect.void)

        assert.strictEqual(yield* breaker.state("db"), "closed")
        assert.deepStrictEqual(events.map(({ because, to }) => `${to}: ${because}`), [
          "open: slow calls",
          "half_open: open time passed",
          "open: slow calls",
          "half_open: open time passed",
          "closed: probes succeeded"
        ])
      }))

    it.effect("stays open for its time also when a success, or a slow probe, has opened it", () =>
      Effect.gen(function*() {
        const breaker = yield* windowed
        const slowly = Effect.gen(function*() {
          const fiber = yield* Effect.forkChild(call(breaker, Effect.sleep("1 second")), { startImmediately: true })
          yield* passTime("1 second")
          yield* Fiber.join(fiber)
        })
        const isRefused = Effect.map(Effect.exit(call(breaker, Effect.void)), Exit.isFailure)

        for (let round = 0; round < 4; round += 1) yield* slowly
        const afterSlowCalls = yield* isRefused
        yield* passTime("29 seconds")
        const justBefore = yield* isRefused
        yield* passTime("1 second")
        yield* slowly

        assert.deepStrictEqual([afterSlowCalls, justBefore, yield* isRefused], [true, true, true])
      }))

    it.effect("forgets calls older than its period", () =>
      Effect.gen(function*() {
        const breaker = yield* windowed

        yield* Effect.repeat(Effect.ignore(call(breaker, refused)), { times: 1 })
        yield* passTime("11 seconds")
        yield* Effect.ignore(call(breaker, slow))
        yield* call(breaker, Effect.void)
        yield* call(breaker, Effect.void)
        yield* call(breaker, Effect.void)

        assert.strictEqual(yield* breaker.state("db"), "closed")
      }))
  })

  it.effect("lets others probe when the probes of a half-open round do not come back", () =>
    Effect.gen(function*() {
      const breaker = yield* make()
      yield* open(breaker)
      yield* passTime("30 seconds")
      const hanging = yield* Effect.forkChild(call(breaker, Effect.never), { startImmediately: true })
      const refusedNow = yield* Effect.flip(call(breaker, Effect.void))
      assert.strictEqual(typeof refusedNow === "string" ? refusedNow : refusedNow.reason._tag, "CircuitHalfOpen")
      yield* passTime("1 minute")

      yield* call(breaker, Effect.void)
      yield* Fiber.interrupt(hanging)

      assert.strictEqual(yield* breaker.state("db"), "closed")
    }))

  it.live("measures by a clock that nobody sets", () =>
    Effect.gen(function*() {
      const breaker = yield* make()
      yield* open(breaker)

      const error = yield* withClockAhead(Effect.flip(call(breaker, Effect.void)))

      assert.strictEqual(typeof error === "string" ? error : error.reason._tag, "CircuitOpen")
    }))

  it.effect("is a service by its layer", () =>
    Effect.gen(function*() {
      class Breakers extends Context.Service<Breakers, CircuitBreaker.CircuitBreaker<Class>>()("test/Breakers") {}
      const live = CircuitBreaker.layer(Breakers, { thresholds: { refused: 1, slow: 1 }, openDuration: "1 second" })

      const state = yield* Effect.gen(function*() {
        yield* Effect.ignore(call(yield* Breakers, refused))
        return yield* (yield* Breakers).state("db")
      }).pipe(Effect.provide(live))

      assert.strictEqual(state, "open")
    }))

  it.effect("refuses nonsense by the field's name (breaker.ts)", () =>
    Effect.gen(function*() {
      const fine = { thresholds: { a: 1 }, openDuration: "1 second" } as const
      const window = { period: "1 minute", failureRate: 0.5 } as const
      const wrong: ReadonlyArray<CircuitBreaker.CircuitBreakerOptions<string>> = [
        { ...fine, thresholds: {} },
        { ...fine, thresholds: {}, window },
        { ...fine, thresholds: { a: 0 } },
        { ...fine, thresholds: { a: Number.POSITIVE_INFINITY } },
        { ...fine, thresholds: { a: Number.NaN } },
        { ...fine, openDuration: 0 },
        { ...fine, openDuration: Number.NaN },
        { ...fine, probes: 0 },
        { ...fine, keysMax: 0.5 },
        { ...fine, halfOpenMax: 0 },
        { ...fine, window: { period: "1 minute" } },
        { ...fine, window: { ...window, period: 0 } },
        { ...fine, window: { ...window, failureRate: 1.5 } },
        { ...fine, window: { ...window, callsMin: 0 } },
        { ...fine, window: { ...window, slowCallRate: 0.5 } },
        { ...fine, window: { ...window, slowCall: "1 second" } }
      ]

      const errors = yield* Effect.forEach(wrong, (options) => Effect.flip(CircuitBreaker.make(options)))

      assert.deepStrictEqual(errors.map(({ field }) => field), [
        "thresholds",
        "thresholds",
        "thresholds.a",
        "thresholds.a",
        "thresholds.a",
        "openDuration",
        "openDuration",
        "probes",
        "keysMax",
        "halfOpenMax",
        "window",
        "window.period",
        "window.failureRate",
        "window.callsMin",
        "window.slowCall",
        "window.slowCall"
      ])
    }))
})
