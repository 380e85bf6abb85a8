import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { Strategy } from "../../../../src/domain/supervision/Strategy.ts"
import * as Supervisor from "../../../../src/services/supervision/Supervisor.ts"
import { passTime, seed } from "../../../support/StepBudget.ts"
import * as Events from "../fixtures/Events.ts"
import { it, leftBehind } from "../fixtures/Leaks.ts"
import { Boom, ends, settle, type Spec, Trace } from "../fixtures/Trace.ts"

const tree = (children: ReadonlyArray<Spec>, strategy: Strategy = "one_for_one") =>
  Supervisor.start({ id: "root", strategy, children })

const generous = { maxRestarts: 1_000_000, period: "1 hour" } as const

/** Runs what may take virtual time to its end. */
const elapse = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    yield* passTime(0)
    const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
    yield* settle
    for (let second = 0; second < 60 && fiber.pollUnsafe() === undefined; second += 1) {
      yield* passTime("1 second")
      yield* settle
    }
    assert.isDefined(fiber.pollUnsafe(), "still not done after a minute")
    return yield* Fiber.join(fiber)
  })

const throws = Effect.sync(() => {
  throw new Error("the finalizer threw")
})

// library/adv.ts
describe("A finalizer that misbehaves", () => {
  const phases = ["exit", "terminate", "group restart", "stop"] as const
  const ways = ["throws", "hangs", "interrupts"] as const
  const cases = phases.flatMap((phase) => ways.map((way) => ({ phase, way })))

  it.effect.each(cases)(
    "$way at $phase: the others are served all the same",
    ({ phase, way }) =>
      Effect.gen(function*() {
        const trace = new Trace()
        let lives = 0
        const once = (effect: Effect.Effect<unknown>) => Effect.suspend(() => ++lives === 1 ? effect : Effect.void)
        const stop = once(way === "throws" ? throws : way === "hangs" ? Effect.never : Effect.interrupt)
        // A child that ends by itself is waited for however long its finalizer takes: nobody has asked it to end.
        const isLeft = way === "hangs"
        if (isLeft) yield* leftBehind(1)
        const supervisor = yield* tree([trace.child("a"), trace.child("b", { stop }), trace.child("c")], "one_for_all")
        trace.take()

        if (phase === "exit") yield* trace.end("b")
        if (phase === "terminate") yield* elapse(supervisor.terminateChild("b"))
        if (phase === "group restart") yield* elapse(trace.end("a"))
        yield* elapse(supervisor.stop)

        assert.strictEqual(trace.liveFibers, isLeft ? 1 : 0)
        assert.deepStrictEqual((yield* supervisor.tree).state, "stopped")
        yield* supervisor.await
      })
  )

  it.effect("that throws in a start that was rolled back does not stop the roll-back", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      trace.failStart("c", 1)

      const error = yield* Effect.flip(
        elapse(Effect.scoped(tree([trace.child("a"), trace.child("b", { stop: throws }), trace.child("c")])))
      )

      assert.deepInclude(error, { _tag: "SupervisorStartError", child: "c" })
      assert.strictEqual(trace.take(), "+a +b !c -b -a")
    }))
})

describe("A finalizer that hangs after its child ended by itself", () => {
  it.effect.each(
    [
      { stage: "run", shutdown: "3 seconds", limitMillis: 3000 },
      { stage: "run", shutdown: "brutal", limitMillis: 0 },
      { stage: "start", shutdown: "3 seconds", limitMillis: 3000 }
    ] as const
  )(
    "in $stage with $shutdown is left behind at its limit, and the child starts again",
    ({ limitMillis, shutdown, stage }) =>
      Effect.gen(function*() {
        const trace = new Trace()
        let lives = 0
        const hanging = Effect.suspend(() => ++lives === 1 ? Effect.never : Effect.void)
        let starts = 0
        yield* leftBehind(1)
        const supervisor = yield* Supervisor.start({
          id: "root",
          strategy: "one_for_one",
          children: [
            stage === "run"
              ? trace.child("a", { shutdown, stop: hanging })
              : Supervisor.child({
                id: "a",
                shutdown,
                start: Effect.gen(function*() {
                  starts += 1
                  if (starts === 1) return Effect.asVoid(ends.error)
                  if (starts === 3) return Effect.never
                  yield* Effect.acquireRelease(Effect.void, () => Effect.never)
                  return yield* ends.error
                })
              })
          ]
        })
        const crash = stage === "run" ? trace.end("a") : settle
        const events = yield* Events.during(
          supervisor.events,
          Effect.gen(function*() {
            yield* passTime(0)
            yield* crash
            if (limitMillis > 0) yield* passTime(limitMillis - 1)
            yield* settle
            if (limitMillis > 0) {
              assert.notStrictEqual((yield* supervisor.countChildren).active, stage === "run" ? 0 : 1)
            }
            yield* passTime(1)
            yield* settle
          })
        )

        assert.deepInclude(events.find(({ _tag }) => _tag === "ChildAbandoned"), { child: "a", limitMillis })
        const [child] = (yield* supervisor.tree).children
        assert.strictEqual(child?.state, "running")
        assert.deepStrictEqual(child?.exits?.map(({ reason }) => reason).slice(-2), ["abandoned", "failure"])
      })
  )

  it.effect("in time leaves no timer behind", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      yield* tree([trace.child("a", { shutdown: "3 seconds", restart: "temporary", stop: Effect.sleep("2 seconds") })])
      yield* passTime(0)
      yield* trace.end("a")
      yield* passTime("2 seconds")
      yield* settle

      assert.strictEqual(trace.take(), "+a -a")
      assert.strictEqual(trace.liveFibers, 0)
    }))
})

describe("A start that never returns", () => {
  const starting = (how: "hears" | "is deaf") => how === "hears" ? Effect.never : Effect.uninterruptible(Effect.never)

  it.effect.each(["hears", "is deaf"] as const)(
    "is stopped within its limit when it %s",
    (how) =>
      Effect.gen(function*() {
        const trace = new Trace()
        if (how === "is deaf") yield* leftBehind(1)
        const supervisor = yield* tree([trace.child("a")])
        const asked = yield* Effect.forkChild(
          Effect.exit(supervisor.startChild(trace.child("b", { starting: starting(how) }))),
          { startImmediately: true }
        )
        yield* settle

        yield* elapse(supervisor.stop)

        assert.isTrue(Exit.isFailure(yield* Fiber.join(asked)))
        assert.strictEqual(trace.take(), "+a -a")
      })
  )

  it.effect.each(["hears", "is deaf"] as const)(
    "does not keep a supervisor that is interrupted while it boots, when it %s",
    (how) =>
      Effect.gen(function*() {
        const trace = new Trace()
        if (how === "is deaf") yield* leftBehind(1)
        const running = yield* Effect.forkChild(
          Effect.scoped(tree([trace.child("a"), trace.child("b", { starting: starting(how) }), trace.child("c")])),
          { startImmediately: true }
        )
        yield* settle

        yield* elapse(Fiber.interrupt(running))

        assert.strictEqual(trace.take(), "+a -a")
      })
  )

  it.effect("does not keep a nested supervisor that is stopped from above while it boots", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const inner = Supervisor.supervisor({
        id: "inner",
        strategy: "one_for_one",
        children: [trace.child("a"), trace.child("b", { starting: Effect.never })]
      })
      const running = yield* Effect.forkChild(
        Effect.scoped(Supervisor.start({ id: "root", strategy: "one_for_one", children: [trace.child("z"), inner] })),
        { startImmediately: true }
      )
      yield* settle

      yield* elapse(Fiber.interrupt(running))

      assert.strictEqual(trace.take(), "+z +a -a -z")
    }))

  it.effect("does not hang the stop of a dynamic supervisor", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const asked = yield* elapse(Effect.scoped(Effect.gen(function*() {
        const supervisor = yield* Supervisor.startDynamic<Boom>({ id: "dynamic", maxChildren: 10 })
        yield* supervisor.startChild(trace.child("a"))
        return yield* Effect.forkDetach(
          Effect.exit(supervisor.startChild(trace.child("b", { starting: Effect.never }))),
          { startImmediately: true }
        )
      })))

      assert.isTrue(Exit.isFailure(yield* Fiber.join(asked)))
      assert.strictEqual(trace.liveFibers, 0)
    }))
})

/** Under a step budget each of many seeds has its storms, and a turn of the scheduler is a few steps of one child. */
const share = seed === undefined ? 1 : 10
const dynamicChildren = 10_000 / share

const idsTo = (count: number) => Array.from({ length: count }, (_, index) => `${index}`)

describe("Storms", () => {
  // Every crash that the supervisor has seen to restarts all siblings or half of them: the square of their number.
  it.effect.each([["one_for_one", 1000 / share], ["one_for_all", 250 / share], ["rest_for_one", 350 / share]] as const)(
    "siblings crash one right after the other under %s, %i of them",
    ([strategy, count]) =>
      Effect.gen(function*() {
        const trace = new Trace()
        const ids = idsTo(count)
        const supervisor = yield* Supervisor.start({
          id: "root",
          strategy,
          intensity: generous,
          children: ids.map((id) => trace.child(id))
        })
        yield* Effect.forEach(ids, (id) => trace.endNow(id, Effect.fail(new Boom(id))), { discard: true })
        yield* settle
        // Under a small budget the storm takes more turns than that.
        while (trace.liveFibers < count || (yield* supervisor.countChildren).active < count) yield* settle
        yield* settle

        assert.strictEqual(trace.liveFibers, count)
        assert.strictEqual((yield* supervisor.countChildren).active, count)
      }),
    30_000
  )

  it.effect(`${dynamicChildren} dynamic children crash at once`, () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const ids = idsTo(dynamicChildren)
      const supervisor = yield* Supervisor.startDynamic<Boom>({
        id: "d",
        maxChildren: dynamicChildren,
        intensity: generous
      })
      yield* Effect.forEach(ids, (id) => supervisor.startChild(trace.child(id)), { discard: true })

      yield* Effect.forEach(ids, (id) => trace.endNow(id, Effect.fail(new Boom(id))), { discard: true })
      for (let turn = 0; turn < 1000 && ids.some((id) => trace.instance(id) <= dynamicChildren); turn += 1) {
        yield* settle
      }
      yield* settle

      assert.strictEqual((yield* supervisor.countChildren).active, dynamicChildren)
      assert.strictEqual(trace.liveFibers, dynamicChildren)
    }), 30_000)

  it.effect(
    `${dynamicChildren} dynamic children crash at once, which is too much: all are stopped and nobody is left`,
    () =>
      Effect.gen(function*() {
        const trace = new Trace()
        const ids = idsTo(dynamicChildren)
        const supervisor = yield* Supervisor.startDynamic<Boom>({ id: "d", maxChildren: dynamicChildren })
        yield* Effect.forEach(ids, (id) => supervisor.startChild(trace.child(id)), { discard: true })

        yield* Effect.forEach(ids, (id) => trace.endNow(id, Effect.fail(new Boom(id))), { discard: true })
        const error = yield* Effect.flip(elapse(supervisor.await))

        assert.strictEqual(error.reason, "intensity_exceeded")
        assert.strictEqual(trace.liveFibers, 0)
      }),
    30_000
  )
})

describe("Callers that are interrupted half-way", () => {
  const slow = Effect.sleep("1 second")

  const interrupted = <A, E, R>(request: Effect.Effect<A, E, R>) =>
    Effect.gen(function*() {
      yield* passTime(0)
      const caller = yield* Effect.forkChild(request, { startImmediately: true })
      yield* settle
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(caller), { startImmediately: true })
      yield* settle
      yield* passTime("10 seconds")
      yield* settle
      yield* Fiber.join(interrupting)
    })

  it.effect("of every request: it is carried out, and the next ones are served", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* tree([trace.child("a", { stop: slow, starting: slow })]).pipe(elapse)
      trace.take()

      yield* interrupted(supervisor.startChild(trace.child("b", { starting: slow })))
      assert.strictEqual(trace.take(), "+b")
      yield* interrupted(supervisor.terminateChild("a"))
      assert.strictEqual(trace.take(), "-a")
      yield* interrupted(supervisor.restartChild("a"))
      assert.strictEqual(trace.take(), "+a")
      yield* elapse(supervisor.terminateChild("b"))
      yield* interrupted(supervisor.deleteChild("b"))
      yield* interrupted(supervisor.changeSpecs({ id: "root", strategy: "one_for_all", children: [trace.child("c")] }))
      assert.deepStrictEqual((yield* supervisor.tree).children.map(({ id, state }) => [id, state]), [
        ["c", "stopped"],
        ["a", "running"]
      ])
      yield* interrupted(supervisor.await)
      assert.strictEqual((yield* supervisor.tree).state, "running")
      yield* interrupted(supervisor.stop)
      assert.strictEqual((yield* supervisor.tree).state, "stopped")
    }))

  it.effect("of a dynamic supervisor: a start is taken back, a stop goes on", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* Supervisor.startDynamic<Boom>({ id: "d", maxChildren: 2 })

      yield* interrupted(supervisor.startChild(trace.child("a", { starting: slow })))
      assert.deepStrictEqual(yield* supervisor.whichChildren, [])
      yield* supervisor.startChild(trace.child("a", { stop: slow }))
      yield* interrupted(supervisor.terminateChild("a"))
      assert.deepStrictEqual(yield* supervisor.whichChildren, [])
      assert.strictEqual(trace.liveFibers, 0)
    }))
})

describe("A restart and a stop at once", () => {
  it.effect("a child that ends while it is being restarted by hand, terminated and deleted leaves nothing", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* tree([trace.child("a"), trace.child("b")])
      const asked = yield* Effect.forEach(
        [
          supervisor.terminateChild("a"),
          supervisor.deleteChild("a"),
          supervisor.restartChild("a"),
          supervisor.stop,
          trace.endNow("b", ends.error)
        ],
        (request) => Effect.forkChild(Effect.exit(request), { startImmediately: true })
      )
      yield* elapse(Effect.forEach(asked, Fiber.join))

      assert.strictEqual(trace.liveFibers, 0)
      assert.strictEqual((yield* supervisor.tree).state, "stopped")
    }))

  it.effect("a child whose group restart failed at a sibling is not in restarting for good", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* Supervisor.start({
        id: "root",
        strategy: "one_for_all",
        intensity: generous,
        children: [trace.child("a"), trace.child("b")]
      })
      trace.failStart("a", Number.POSITIVE_INFINITY)
      yield* trace.end("b")

      yield* supervisor.terminateChild("a")
      yield* settle

      assert.deepStrictEqual((yield* supervisor.tree).children.map(({ id, state }) => [id, state]), [
        ["a", "stopped"],
        ["b", "stopped"]
      ])
      assert.strictEqual(yield* supervisor.restartChild("b"), "started")
    }))
})
