import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import { passTime } from "../../support/StepBudget.ts"
import { it } from "./fixtures/Leaks.ts"
import { Boom, ends, refusal, settle, Trace } from "./fixtures/Trace.ts"

const dynamic = (options: Partial<Supervisor.DynamicOptions> = {}) =>
  Supervisor.startDynamic<Boom>({ id: "dynamic", maxChildren: 10, ...options })

/** Lets a child end once, in a permanent one's first life, and gives weak hold of what it was started with. */
const runOnce = (supervisor: Supervisor.DynamicSupervisor<Boom>, id: string, restart: "temporary" | "permanent") =>
  Effect.gen(function*() {
    const argument = { lives: 0 }
    const end = yield* Deferred.make<never, Boom>()
    yield* supervisor.startChild(Supervisor.child({
      id,
      restart,
      run: Effect.suspend(() => ++argument.lives === 1 ? Deferred.await(end) : Effect.never)
    }))
    yield* Deferred.fail(end, new Boom(id))
    yield* settle
    return new WeakRef(argument)
  })

/** Collects garbage until nothing holds the object any more, or fails. */
const collected = async (object: WeakRef<object>): Promise<void> => {
  setFlagsFromString("--expose-gc")
  const collect: unknown = runInNewContext("gc")
  for (let attempt = 0; attempt < 100 && object.deref() !== undefined; attempt += 1) {
    await new Promise((resolve) => setImmediate(resolve))
    if (typeof collect === "function") collect()
  }
  assert.isUndefined(object.deref(), "still held")
}

describe("A dynamic supervisor (scenarios 51 to 53, 74 to 76)", () => {
  it.effect("51: a crashed child is restarted with its own spec", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* dynamic()
      yield* supervisor.startChild(trace.child("a"))
      yield* supervisor.startChild(trace.child("b"))

      yield* trace.end("a")

      assert.strictEqual(trace.take(), "+a +b -a +a")
    }))

  it.effect("52: gives up when its children together exceed the intensity", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* dynamic({ intensity: { maxRestarts: 1, period: "5 seconds" } })
      yield* supervisor.startChild(trace.child("a"))
      yield* supervisor.startChild(trace.child("b"))

      yield* trace.end("a")
      yield* trace.end("b")

      assert.deepInclude(yield* Effect.flip(supervisor.await), {
        reason: "intensity_exceeded",
        child: "b",
        restarts: 2
      })
      assert.strictEqual(trace.liveFibers, 0)
      assert.strictEqual((yield* Effect.flip(supervisor.countChildren))._tag, "SupervisorGone")
    }))

  it.effect("52: the supervisor above starts one that gave up again, empty", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const workers = yield* Supervisor.dynamic<Boom>({
        id: "workers",
        maxChildren: 10,
        intensity: { maxRestarts: 1, period: "5 seconds" }
      })
      const supervisor = yield* Supervisor.start({
        id: "root",
        strategy: "one_for_one",
        intensity: { maxRestarts: 1, period: "5 seconds" },
        children: [workers]
      })
      const giveUp = Effect.gen(function*() {
        yield* workers.startChild(trace.child("a"))
        yield* trace.end("a")
        yield* trace.end("a")
      })

      yield* giveUp
      assert.strictEqual((yield* supervisor.tree).children[0]?.restartsTotal, 1)
      assert.deepStrictEqual(yield* workers.whichChildren, [])
      yield* giveUp

      assert.deepInclude(yield* Effect.flip(supervisor.await), { path: "root", child: "workers", restarts: 2 })
      assert.strictEqual(trace.liveFibers, 0)
    }))

  it.live("52: nothing is kept of a temporary child that ended, not even what it was started with", () =>
    Effect.gen(function*() {
      const supervisor = yield* dynamic({ maxChildren: 2 })
      const temporary = yield* runOnce(supervisor, "temporary", "temporary")
      const permanent = yield* runOnce(supervisor, "permanent", "permanent")

      yield* Effect.promise(() => collected(temporary))

      // What is restarted has to be kept.
      assert.isDefined(permanent.deref())
      assert.deepStrictEqual((yield* supervisor.tree).children.map(({ id }) => id), ["permanent"])
    }))

  it.effect("53: its children are lost when it is restarted, and it can be reached as before", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const workers = yield* Supervisor.dynamic<Boom>({
        id: "workers",
        maxChildren: 10,
        intensity: { maxRestarts: 0, period: "5 seconds" }
      })
      const supervisor = yield* Supervisor.start({ id: "root", strategy: "one_for_one", children: [workers] })
      yield* workers.startChild(trace.child("a"))
      yield* workers.startChild(trace.child("b"))

      yield* trace.end("a")

      assert.deepStrictEqual(yield* workers.whichChildren, [])
      assert.strictEqual(yield* workers.startChild(trace.child("a")), "started")
      assert.strictEqual((yield* supervisor.tree).children[0]?.children[0]?.path, "root/workers/a")
    }))

  it.effect("74: refuses a child too many, counts restarting ones, and has room again after an end", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* dynamic({ maxChildren: 2 })
      yield* supervisor.startChild(trace.child("a", { backoff: { schedule: Schedule.spaced("1 minute") } }))
      yield* supervisor.startChild(trace.child("b", { restart: "temporary" }))
      yield* trace.end("a")
      assert.strictEqual(yield* refusal(supervisor.startChild(trace.child("c"))), "max_children")

      yield* trace.end("b")

      assert.strictEqual(yield* supervisor.startChild(trace.child("c")), "started")
      assert.deepInclude(yield* supervisor.countChildren, { specs: 2, active: 1 })
    }))

  it.effect("75: a restart takes the place of the life before, with what that start has to tell, or of none", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* dynamic()
      const told: Array<string> = []
      let starts = 0
      const life = trace.child("a", { starting: Effect.sync(() => told.push(`life ${++starts}`)) })
      yield* supervisor.startChild(life)
      const first = trace.instance("a")

      yield* trace.end("a")

      assert.deepStrictEqual(told, ["life 1", "life 2"])
      assert.strictEqual(trace.instance("a"), first + 1)
      assert.strictEqual(trace.liveFibers, 1)
      assert.deepInclude(yield* supervisor.countChildren, { specs: 1, active: 1 })
    }))

  it.effect("75: a child that ignores its restart is gone, and its place is free", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* dynamic({ maxChildren: 1 })
      let starts = 0
      yield* supervisor.startChild(Supervisor.child({
        id: "a",
        start: Effect.sync(() => ++starts === 1 ? Effect.fail(new Boom("a")) : Supervisor.ignore)
      }))
      yield* settle

      assert.strictEqual(starts, 2)
      assert.deepStrictEqual(yield* supervisor.whichChildren, [])
      assert.strictEqual(yield* supervisor.startChild(trace.child("b")), "started")
      assert.strictEqual(trace.liveFibers, 1)
    }))

  it.effect("76: a child that waits for its restart can be terminated", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* dynamic()
      yield* supervisor.startChild(trace.child("a", { backoff: { schedule: Schedule.spaced("1 minute") } }))
      yield* trace.end("a")
      trace.take()

      yield* supervisor.terminateChild("a")
      yield* passTime("1 hour")

      assert.strictEqual(trace.take(), "")
      assert.strictEqual((yield* supervisor.countChildren).specs, 0)
    }))

  it.effect("starts slow children side by side, and takes back one whose caller gave up", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* dynamic()
      const open = yield* Deferred.make<void>()
      const slow = yield* Effect.forkChild(
        supervisor.startChild(trace.child("slow", { starting: Deferred.await(open) })),
        { startImmediately: true }
      )

      yield* supervisor.startChild(trace.child("quick"))
      assert.strictEqual(yield* refusal(supervisor.startChild(trace.child("slow"))), "already_started")
      yield* Fiber.interrupt(slow)

      assert.deepStrictEqual(yield* supervisor.whichChildren, [{ id: "quick", status: "running" }])
      assert.strictEqual(trace.liveFibers, 1)
    }))

  it.effect("counts a transient child's orderly end not at all", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* dynamic({ intensity: { maxRestarts: 0, period: "5 seconds" } })
      yield* supervisor.startChild(trace.child("a", { restart: "transient" }))

      yield* trace.end("a", ends.normal)

      assert.strictEqual((yield* supervisor.tree).state, "running")
    }))

  it.effect("runs children that are supervisors themselves", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* Supervisor.startDynamic<unknown>({ id: "dynamic", maxChildren: 10 })
      yield* supervisor.startChild(
        Supervisor.supervisor({ id: "inner", strategy: "one_for_one", children: [trace.child("a"), trace.child("b")] })
      )
      assert.deepInclude(yield* supervisor.countChildren, { supervisors: 1, workers: 0 })

      yield* supervisor.terminateChild("inner")

      assert.strictEqual(trace.take(), "+a +b -b -a")
    }))
})
