import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Restart } from "../../../../src/domain/supervision/ChildExit.ts"
import { brutalTurns } from "../../../../src/domain/supervision/Shutdown.ts"
import * as Supervisor from "../../../../src/services/supervision/Supervisor.ts"
import { passTime } from "../../../support/StepBudget.ts"
import * as Events from "../fixtures/Events.ts"
import { it, leftBehind } from "../fixtures/Leaks.ts"
import { type Boom, ends, settle, type Spec, Trace } from "../fixtures/Trace.ts"

const tree = (children: ReadonlyArray<Spec>) => Supervisor.start({ id: "root", strategy: "one_for_one", children })

/** Milliseconds of the test clock until the effect is done, in steps of 100 or a thousandth of the most. */
const virtualMillis = <A, E>(effect: Effect.Effect<A, E>, maxMillis: number) =>
  Effect.gen(function*() {
    // The test clock's first sleep can be interrupted even where that is forbidden; an adjustment settles it.
    yield* passTime(0)
    const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
    yield* settle
    let passed = 0
    const step = Math.max(100, maxMillis / 1000)
    while (fiber.pollUnsafe() === undefined && passed < maxMillis) {
      yield* passTime(step)
      yield* settle
      passed += step
    }
    yield* Fiber.join(fiber)
    return passed
  })

/** Gives way so often, and then waits for what never comes when that was more than a child without time is given. */
const takeTurns = (turns: number) =>
  Effect.andThen(
    Effect.forEach(Array.from({ length: turns }), () => Effect.yieldNow, { discard: true }),
    turns > brutalTurns ? Effect.never : Effect.void
  )

/** A life that does not listen to interruption for so long. */
const deaf = (millis: number) => Effect.uninterruptible(Effect.sleep(millis))

describe("The stop protocol (scenarios 28 to 35)", () => {
  it.effect("28: with infinity a child that needs an hour is waited for", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* tree([trace.child("a", { shutdown: "infinity", stop: Effect.sleep("1 hour") })])

      assert.strictEqual(yield* virtualMillis(supervisor.stop, 7_200_000), 3_600_000)
      assert.strictEqual(trace.liveFibers, 0)
    }))

  it.effect("29: an obedient child stops in its own time", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* tree([trace.child("a", { shutdown: "2 seconds", stop: Effect.sleep("1 second") })])

      const events = yield* Events.during(supervisor.events, virtualMillis(supervisor.stop, 10_000))

      assert.deepInclude(events.find((event) => event._tag === "ChildStopped"), { child: "a", exit: "shutdown" })
    }))

  it.effect("29: a stubborn child is left behind at exactly its limit, and reported", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      yield* leftBehind(1)
      const supervisor = yield* tree([trace.child("a", { shutdown: "2 seconds", life: deaf(3_600_000) })])

      const events = yield* Events.during(
        supervisor.events,
        Effect.map(virtualMillis(supervisor.stop, 10_000), (millis) => assert.strictEqual(millis, 2000))
      )

      assert.deepInclude(events.find((event) => event._tag === "ChildAbandoned"), { child: "a", limitMillis: 2000 })
      assert.strictEqual(trace.liveFibers, 1)
    }))

  it.effect("30: brutal does not wait for a finalizer that takes time", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      yield* leftBehind(1)
      const supervisor = yield* tree([
        trace.child("quick", { shutdown: "brutal" }),
        trace.child("slow", { shutdown: "brutal", stop: Effect.sleep("1 hour") })
      ])

      const events = yield* Events.during(supervisor.events, virtualMillis(supervisor.stop, 0))

      assert.deepStrictEqual(
        events.flatMap((event) =>
          event._tag === "ChildStopped" || event._tag === "ChildAbandoned" ? [[event._tag, event.child]] : []
        ),
        [["ChildAbandoned", "slow"], ["ChildStopped", "quick"]]
      )
    }))

  it.effect.each([
    { turns: 4, end: "ChildStopped" },
    { turns: brutalTurns * 2, end: "ChildAbandoned" }
  ])(
    "30: brutal gives a child 32 turns of the scheduler, and no time: after $turns it is $end",
    ({ end, turns }) =>
      Effect.gen(function*() {
        const trace = new Trace()
        if (end === "ChildAbandoned") yield* leftBehind(1)
        const supervisor = yield* tree([trace.child("a", { shutdown: "brutal", stop: takeTurns(turns) })])

        const events = yield* Events.during(supervisor.events, supervisor.stop)

        assert.deepStrictEqual(events.map(({ _tag }) => _tag).filter((tag) => tag.startsWith("Child")), [end])
      })
  )

  it.effect("31: ten stubborn dynamic children share one limit", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      yield* leftBehind(10)
      const scope = Effect.gen(function*() {
        const supervisor = yield* Supervisor.startDynamic<Boom>({ id: "dynamic", maxChildren: 10 })
        for (let child = 0; child < 10; child += 1) {
          yield* supervisor.startChild(trace.child(`${child}`, { shutdown: "3 seconds", life: deaf(3_600_000) }))
        }
        // Each is deaf from its own life's beginning, not from its start.
        yield* settle
      }).pipe(Effect.scoped)

      assert.strictEqual(yield* virtualMillis(scope, 60_000), 3000)
    }))

  it.effect("32, 77: dynamic children with different limits are stopped side by side", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      yield* leftBehind(1)
      const scope = Effect.gen(function*() {
        const supervisor = yield* Supervisor.startDynamic<Boom>({ id: "dynamic", maxChildren: 10 })
        yield* supervisor.startChild(trace.child("1s", { shutdown: "2 seconds", life: deaf(1000) }))
        yield* supervisor.startChild(trace.child("5s", { shutdown: "2 seconds", life: deaf(5000) }))
        yield* supervisor.startChild(trace.child("4s", { shutdown: "6 seconds", life: deaf(4000) }))
        yield* settle
      }).pipe(Effect.scoped)

      assert.strictEqual(yield* virtualMillis(scope, 60_000), 4000)
      assert.strictEqual(trace.liveFibers, 1)
    }))

  const races = (["normal", "shutdown", "error", "killed"] as const).flatMap((how) =>
    (["permanent", "transient", "temporary"] satisfies ReadonlyArray<Restart>).map((restart) => ({ how, restart }))
  )
  it.effect.each(races)(
    "33: a $restart child that ends by $how while it is being stopped does not hang the stop, and is reported if unexpected",
    ({ how, restart }) =>
      Effect.gen(function*() {
        const lines: Array<string> = []
        const trace = new Trace()
        const ending = how === "killed" ? Effect.interrupt : how === "normal" ? Effect.void : ends[how]
        // A fiber that was interrupted and then succeeds ends interrupted, and who else interrupted it cannot be told.
        const expected = {
          normal: [],
          shutdown: restart === "permanent" ? ["a stopped (shutdown): OrderlyExit: done"] : [],
          error: ["a stopped (failure): {\"_tag\":\"Boom\",\"id\":\"error\"}"],
          killed: []
        }[how]
        yield* Effect.gen(function*() {
          const closing = yield* Deferred.make<void>()
          // The child does not listen to the interruption; it ends in its own way when told to.
          const life = Effect.uninterruptible(Effect.andThen(Deferred.await(closing), ending))
          const supervisor = yield* tree([trace.child("a", { restart, life })])
          yield* settle
          const stopping = yield* Effect.forkChild(supervisor.stop, { startImmediately: true })
          yield* settle
          assert.isUndefined(stopping.pollUnsafe())
          yield* Deferred.succeed(closing, undefined)
          // No time passes: the stop ends with the child, not with the limit.
          yield* settle
          assert.isDefined(stopping.pollUnsafe())
        }).pipe(Effect.scoped, Effect.provide(Events.collectLogs(lines)))

        assert.strictEqual(trace.liveFibers, 0)
        assert.deepStrictEqual(lines, expected)
      })
  )

  it.effect("34: what a child has detached from itself does not hang the stop, and what is left of it is reported", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const trace = new Trace()
      yield* leftBehind(2)
      // What OTP calls unlinked: a part of the child that the interruption does not reach.
      const detached = Effect.andThen(Effect.forkDetach(Effect.never), Effect.never)

      yield* Effect.gen(function*() {
        const supervisor = yield* tree([
          trace.child("before"),
          trace.child("deaf", { shutdown: "1 second", life: Effect.uninterruptible(Effect.never) }),
          trace.child("detached", { shutdown: "1 second", life: detached })
        ])
        yield* settle
        trace.take()
        const events = yield* Events.during(
          supervisor.events,
          Effect.map(virtualMillis(supervisor.stop, 60_000), (millis) => assert.strictEqual(millis, 1000))
        )

        assert.deepStrictEqual(
          events.map((event) => "child" in event ? [event._tag, event.child] : [event._tag]),
          [["ChildStopped", "detached"], ["ChildAbandoned", "deaf"], ["ChildStopped", "before"], ["SupervisorEnded"]]
        )
      }).pipe(Effect.scoped, Effect.provide(Events.collectLogs(lines)))

      assert.strictEqual(trace.take(), "-detached -before")
      assert.deepStrictEqual(lines, ["deaf left behind: did not end within 1000 ms"])
    }))

  it.effect("35: failures while a dynamic supervisor stops are reported once per reason", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const trace = new Trace()
      yield* Effect.gen(function*() {
        const supervisor = yield* Supervisor.startDynamic<Boom>({ id: "dynamic", maxChildren: 10 })
        for (const id of ["a", "b", "c"]) {
          yield* supervisor.startChild(trace.child(id, { stop: Effect.die("disk full") }))
        }
        yield* supervisor.startChild(trace.child("d", { stop: Effect.die("no network") }))
      }).pipe(Effect.scoped, Effect.provide(Events.collectLogs(lines)))

      assert.deepStrictEqual(lines, [
        "3 children stopped (failure): disk full",
        "1 children stopped (failure): no network"
      ])
    }))

  it.effect("closes a child's Scope once, before its successor starts", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      yield* passTime(0)
      const supervisor = yield* tree([trace.child("a", { stop: Effect.sleep("1 second") })])

      yield* trace.end("a")
      assert.strictEqual(trace.take(), "+a -a")
      yield* passTime("1 second")
      yield* settle

      assert.strictEqual(trace.take(), "+a")
      yield* virtualMillis(supervisor.stop, 2000)
    }))

  it.effect("stops children while everything above is being torn down", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      yield* leftBehind(1)
      const running = yield* Effect.forkChild(
        Supervisor.run({
          id: "root",
          strategy: "one_for_one",
          children: [
            Supervisor.supervisor({
              id: "inner",
              strategy: "one_for_one",
              children: [trace.child("deaf", { shutdown: "2 seconds", life: deaf(3_600_000) }), trace.child("b")]
            }),
            trace.child("c")
          ]
        }),
        { startImmediately: true }
      )
      yield* settle
      trace.take()

      assert.strictEqual(yield* virtualMillis(Fiber.interrupt(running), 60_000), 2000)
      assert.strictEqual(trace.take(), "-c -b")
    }))

  it.effect("answers nobody any more after it has ended", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* tree([trace.child("a")])

      yield* supervisor.stop

      assert.strictEqual((yield* Effect.flip(supervisor.countChildren))._tag, "SupervisorGone")
      assert.strictEqual((yield* Effect.flip(supervisor.restartChild("a")))._tag, "SupervisorGone")
      yield* supervisor.await
    }))
})
