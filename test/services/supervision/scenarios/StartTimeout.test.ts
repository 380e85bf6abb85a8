import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Supervisor from "../../../../src/services/supervision/Supervisor.ts"
import { passTime } from "../../../support/StepBudget.ts"
import * as Events from "../fixtures/Events.ts"
import { it } from "../fixtures/Leaks.ts"
import { type Boom, settle, type Spec, Trace } from "../fixtures/Trace.ts"

const message = "did not start within 1000 ms"

const tree = (children: ReadonlyArray<Spec>) => Supervisor.start({ id: "root", strategy: "one_for_one", children })

describe("A start timeout", () => {
  it.effect("ends a start that takes longer, and with it the start of the whole supervisor", () =>
    Effect.gen(function*() {
      yield* passTime(0)
      const trace = new Trace()
      const starting = yield* Effect.forkChild(
        Effect.flip(tree([
          trace.child("before"),
          trace.child("slow", { startTimeout: "1 second", starting: Effect.never }),
          trace.child("after")
        ])),
        { startImmediately: true }
      )
      yield* settle
      yield* passTime(999)
      yield* settle
      assert.isUndefined(starting.pollUnsafe())

      yield* passTime(1)
      yield* settle

      const error = yield* Fiber.join(starting)
      assert.include(error.message, "slow")
      assert.include(error.message, message)
      assert.strictEqual(trace.take(), "+before -before")
      assert.strictEqual(trace.liveFibers, 0)
    }))

  it.effect("leaves a start in time and the life after it alone", () =>
    Effect.gen(function*() {
      yield* passTime(0)
      const trace = new Trace()
      const supervisor = yield* tree([])
      const asked = yield* Effect.forkChild(
        supervisor.startChild(trace.child("a", { startTimeout: "1 second", starting: Effect.sleep(900) })),
        { startImmediately: true }
      )
      yield* settle
      yield* passTime(900)
      yield* settle
      assert.strictEqual(yield* Fiber.join(asked), "started")

      yield* passTime("1 minute")
      yield* settle

      assert.strictEqual(trace.take(), "+a")
      assert.strictEqual((yield* supervisor.countChildren).active, 1)
    }))

  it.effect("applies to restarts as to the first start, and counts as a failed attempt", () =>
    Effect.gen(function*() {
      yield* passTime(0)
      const trace = new Trace()
      let starts = 0
      const supervisor = yield* tree([
        trace.child("a", {
          startTimeout: "1 second",
          starting: Effect.suspend(() => ++starts === 2 ? Effect.never : Effect.void)
        })
      ])
      yield* trace.end("a")
      yield* passTime("1 second")
      yield* settle

      const [child] = (yield* supervisor.tree).children
      assert.deepInclude(child, { state: "running", restartsTotal: 2 })
      assert.strictEqual(starts, 3)
      assert.include(child?.lastExit?.message, message)
    }))

  it.effect.each(["static", "dynamic"] as const)(
    "answers whoever asked a %s supervisor for a start that nothing ends, and leaves it behind",
    (kind) =>
      Effect.gen(function*() {
        yield* passTime(0)
        const trace = new Trace()
        const late = yield* Deferred.make<void>()
        const deaf = trace.child("deaf", {
          startTimeout: "1 second",
          shutdown: "2 seconds",
          starting: Effect.uninterruptible(Deferred.await(late))
        })
        const supervisor = kind === "static"
          ? yield* tree([])
          : yield* Supervisor.startDynamic<Boom>({ id: "root", maxChildren: 2 })
        const asked = yield* Effect.forkChild(Effect.flip(supervisor.startChild(deaf)), { startImmediately: true })
        yield* settle

        const events = yield* Events.during(
          supervisor.events,
          Effect.gen(function*() {
            yield* passTime("2999 millis")
            yield* settle
            assert.isUndefined(asked.pollUnsafe())
            yield* passTime(1)
            yield* settle
          })
        )

        const error = yield* Fiber.join(asked)
        assert.strictEqual(error._tag, "ChildStartError")
        assert.include(error.message, message)
        assert.deepInclude(events.find(({ _tag }) => _tag === "ChildAbandoned"), { child: "deaf", limitMillis: 2000 })
        assert.deepInclude(yield* supervisor.countChildren, { specs: 0, active: 0 })
        assert.strictEqual(yield* supervisor.startChild(trace.child("b")), "started")
        yield* Deferred.succeed(late, undefined)
        yield* settle
      })
  )
})
