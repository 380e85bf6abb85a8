import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { TraceEvent } from "../../../src/domain/supervision/TraceEvent.ts"
import * as Actor from "../../../src/services/supervision/Actor.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import { passTime } from "../../support/StepBudget.ts"
import { it, leftBehind } from "./fixtures/Leaks.ts"
import { Boom, ends, settle, Trace } from "./fixtures/Trace.ts"

class Negative extends Schema.TaggedError<Negative>()("Negative", { by: Schema.Finite }) {}

interface Options {
  readonly keepsState?: boolean
  readonly capacity?: number
  readonly whenFull?: "wait" | "refuse" | "drop_oldest"
  readonly restart?: "permanent" | "temporary"
}

const counter = (options: Options = {}) =>
  Actor.make({
    id: "counter",
    init: Effect.succeed(0),
    call: {
      add: (by: number, count) =>
        by < 0 ? Effect.fail(new Negative({ by })) : Effect.succeed(Actor.reply(count + by, count + by)),
      get: (_: void, count) => Effect.succeed(Actor.reply(count, count)),
      hang: (_: void, count) => Effect.as(Effect.never, Actor.reply("never", count)),
      break: (_: void, count) => Effect.as(Effect.die("broken"), Actor.reply("never", count)),
      leave: (_: void, count) => Effect.succeed(Actor.stop(count, { shutdown: "done" }, "bye"))
    },
    cast: {
      set: (to: number) => Effect.succeed(Actor.next(to)),
      slow: (millis: number, count) => Effect.as(Effect.sleep(millis), Actor.next(count + 1))
    },
    ...options
  })

const started = Effect.fnUntraced(function*(options: Options = {}) {
  const actor = yield* counter(options)
  const supervisor = yield* Supervisor.start({ id: "root", strategy: "one_for_one", children: [actor] })
  return { actor, supervisor }
})

describe("Actor", () => {
  it.effect("answers calls and takes casts in the order in which they are sent", () =>
    Effect.gen(function*() {
      const { actor } = yield* started()

      assert.strictEqual(yield* actor.call.add(2), 2)
      yield* actor.cast.set(40)
      assert.strictEqual(yield* actor.call.add(2), 42)
      assert.strictEqual(yield* actor.call.get(), 42)
    }))

  it.effect("answers a typed failure of a handler and goes on with its state", () =>
    Effect.gen(function*() {
      const { actor } = yield* started()
      yield* actor.call.add(1)

      assert.deepStrictEqual(yield* Effect.flip(actor.call.add(-1)), new Negative({ by: -1 }))
      assert.strictEqual(yield* actor.call.get(), 1)
    }))

  it.effect("tells all who wait that it is down when a handler has a defect, and begins afresh", () =>
    Effect.gen(function*() {
      const { actor } = yield* started()
      yield* actor.call.add(1)
      yield* actor.cast.slow(10)
      const calls: ReadonlyArray<Effect.Effect<unknown, unknown>> = [actor.call.break(), actor.call.get()]
      const waiting = yield* Effect.forEach(
        calls,
        (call) => Effect.forkChild(Effect.flip(call), { startImmediately: true })
      )
      yield* settle
      yield* passTime(10)
      yield* settle

      for (const fiber of waiting) {
        assert.include(yield* Fiber.join(fiber), { _tag: "ActorDown", actor: "counter", reason: "broken" })
      }
      assert.strictEqual(yield* actor.call.get(), 0)
    }))

  it.effect("keeps its state through a restart when told to", () =>
    Effect.gen(function*() {
      const { actor } = yield* started({ keepsState: true })
      yield* actor.call.add(7)
      yield* Effect.flip(actor.call.break())
      yield* settle

      assert.strictEqual(yield* actor.call.get(), 7)
    }))

  it.effect("gives a caller up after its limit, and is down when it does not run", () =>
    Effect.gen(function*() {
      const { actor, supervisor } = yield* started()
      const call = yield* Effect.forkChild(Effect.flip(actor.call.hang(undefined, { timeout: "2 seconds" })), {
        startImmediately: true
      })
      yield* settle
      yield* passTime("2 seconds")

      assert.deepInclude(yield* Fiber.join(call), { _tag: "CallTimedOut", call: "hang", limitMillis: 2000 })
      yield* supervisor.terminateChild("counter")
      assert.deepInclude(yield* Effect.flip(actor.call.get()), { _tag: "ActorDown", reason: "noproc" })
      assert.deepInclude(yield* Effect.flip(actor.cast.set(1)), { _tag: "ActorDown", reason: "noproc" })
    }))

  it.effect("lets senders to a full mailbox wait, refuses them, or drives out the oldest message", () =>
    Effect.gen(function*() {
      for (const whenFull of ["wait", "refuse", "drop_oldest"] as const) {
        yield* Effect.scoped(Effect.gen(function*() {
          const { actor } = yield* started({ capacity: 2, whenFull })
          yield* actor.cast.slow(10)
          yield* settle
          const calls = yield* Effect.forEach(
            [1, 2, 3],
            (by) => Effect.forkChild(Effect.result(actor.call.add(by)), { startImmediately: true })
          )
          yield* settle
          assert.strictEqual(yield* actor.mailboxSize, 2)
          yield* passTime(10)
          const results = (yield* Effect.forEach(calls, Fiber.join)).map((result) =>
            result._tag === "Success" ? result.success : result.failure._tag
          )
          assert.deepStrictEqual(
            results,
            { wait: [2, 4, 7], refuse: [2, 4, "MailboxFull"], drop_oldest: ["MailboxFull", 3, 6] }[whenFull]
          )
        }))
      }
    }))

  it.effect("is refused with a mailbox that nothing, or everything, fits into", () =>
    Effect.gen(function*() {
      for (const capacity of [Number.NaN, 0, -1, 1.5, Number.POSITIVE_INFINITY]) {
        const error = yield* Effect.flip(Effect.scoped(started({ capacity })))
        assert.deepInclude(error.problem, { child: "counter", field: "capacity", value: String(capacity) })
      }
      const untyped: Options = JSON.parse("{\"whenFull\":\"explode\"}")
      const error = yield* Effect.flip(Effect.scoped(started(untyped)))
      assert.strictEqual(
        error.problem?.message,
        "root/counter: whenFull is \"explode\", expected wait | refuse | drop_oldest"
      )
    }))

  it.effect("ends for a reason, by its own hand and by others', when it has handled what was sent before", () =>
    Effect.gen(function*() {
      const { actor, supervisor } = yield* started({ restart: "temporary" })
      yield* actor.cast.slow(10)
      const last = yield* Effect.forkChild(actor.call.get(), { startImmediately: true })
      yield* settle
      const stopping = yield* Effect.forkChild(actor.stop({ shutdown: "enough" }), { startImmediately: true })
      yield* settle
      assert.deepInclude(yield* Effect.flip(actor.call.get()), { _tag: "ActorDown" })
      yield* passTime(10)
      yield* Fiber.join(stopping)

      assert.strictEqual(yield* Fiber.join(last), 1)
      yield* settle
      assert.strictEqual((yield* supervisor.countChildren).specs, 0)

      const own = yield* counter()
      const other = yield* Supervisor.start({ id: "other", strategy: "one_for_one", children: [own] })
      const monitor = yield* other.monitor("counter")
      assert.strictEqual(yield* own.call.leave(), "bye")
      assert.deepInclude(yield* monitor, { _tag: "Down", path: "other/counter", reason: "shutdown" })
    }))

  it.effect("answers a call within the caller's turn", () =>
    Effect.gen(function*() {
      const { actor } = yield* started()
      yield* settle
      // A synchronous run cannot wait for a turn of the event loop.
      assert.strictEqual(Effect.runSync(Effect.provideContext(actor.call.add(1), yield* Effect.context())), 1)
    }).pipe(Effect.provideService(Scheduler.PreventSchedulerYield, true)))

  it.effect("answers a chain of calls as deep as one likes", () =>
    Effect.gen(function*() {
      const depth = 300
      const links: Array<{ readonly call: { readonly ask: (input: number) => Effect.Effect<number, unknown> } }> = []
      for (let index = 0; index < depth; index += 1) {
        const link = yield* Actor.make({
          id: `link-${index}`,
          init: Effect.void,
          call: {
            ask: (to: number, state) =>
              Effect.map(
                links[to] === undefined ? Effect.succeed(0) : Effect.orDie(links[to].call.ask(to + 1)),
                (count) => Actor.reply(count + 1, state)
              )
          }
        })
        links.push(link)
        yield* Supervisor.start({ id: `s${index}`, strategy: "one_for_one", children: [link] })
      }
      assert.strictEqual(yield* links[0]?.call.ask(1) ?? Effect.succeed(0), depth)
    }))
})

describe("An actor's sys", () => {
  it.effect("suspends it, shows and replaces its state meanwhile, and lets it go on", () =>
    Effect.gen(function*() {
      const { actor } = yield* started()
      yield* actor.call.add(1)
      yield* actor.sys.suspend
      const call = yield* Effect.forkChild(actor.call.add(1), { startImmediately: true })
      yield* settle

      assert.isUndefined(call.pollUnsafe())
      assert.strictEqual(yield* actor.sys.getState, 1)
      assert.strictEqual(yield* actor.sys.replaceState((count) => count + 10), 11)
      yield* actor.sys.resume
      assert.strictEqual(yield* Fiber.join(call), 12)
    }))

  it.effect("goes on with its old state when an operator's change throws, and keeps a replaced one through a restart", () =>
    Effect.gen(function*() {
      const { actor } = yield* started({ keepsState: true })
      yield* actor.call.add(1)
      const mistake = new Error("an operator's mistake")

      const exit = yield* Effect.exit(actor.sys.replaceState(() => {
        throw mistake
      }))
      const afterMistake = yield* actor.call.get()
      yield* actor.sys.replaceState(() => 40)
      yield* Effect.flip(actor.call.break())
      yield* settle

      assert.deepStrictEqual(exit, Exit.die(mistake))
      assert.strictEqual(afterMistake, 1)
      assert.strictEqual(yield* actor.call.get(), 40)
    }))

  it.effect("is refused in a second tree, and goes on in the first", () =>
    Effect.gen(function*() {
      const { actor } = yield* started()
      yield* actor.call.add(3)

      const error = yield* Effect.flip(
        Supervisor.start({ id: "second", strategy: "one_for_one", children: [actor] })
      )

      assert.include(error.message, "second/counter: spec is \"counter\", expected a value that runs in no other tree")
      assert.strictEqual(yield* actor.call.get(), 3)
    }))

  it.effect("answers whoever waits for a life that is left behind, which harms its successor in nothing", () =>
    Effect.gen(function*() {
      const stubborn = yield* Deferred.make<void>()
      const patient = yield* Deferred.make<void>()
      const actor = yield* Actor.make({
        id: "counter",
        shutdown: "50 millis",
        init: Effect.succeed(0),
        call: {
          stick: (_: void, count: number) =>
            Effect.as(Effect.uninterruptible(Deferred.await(stubborn)), Actor.reply("stuck", count + 100)),
          wait: (_: void, count: number) => Effect.as(Deferred.await(patient), Actor.reply("done", count + 1)),
          get: (_: void, count: number) => Effect.succeed(Actor.reply(count, count))
        }
      })
      const supervisor = yield* Supervisor.start({ id: "root", strategy: "one_for_one", children: [actor] })
      const endless = { timeout: "Infinity" } as const
      const inHand = yield* Effect.forkChild(Effect.flip(actor.call.stick(undefined, endless)))
      yield* settle
      const behind = yield* Effect.forkChild(Effect.flip(actor.call.get(undefined, endless)))
      yield* settle

      const stop = yield* Effect.forkChild(supervisor.terminateChild("counter"))
      yield* passTime("100 millis")
      yield* Fiber.join(stop)
      const down = [yield* Fiber.join(inHand), yield* Fiber.join(behind)]
      yield* supervisor.restartChild("counter")
      const next = yield* Effect.forkChild(actor.call.wait(undefined, endless))
      yield* settle
      yield* Deferred.succeed(stubborn, undefined)
      yield* settle
      yield* Deferred.succeed(patient, undefined)

      assert.deepStrictEqual(down.map(({ _tag }) => _tag), ["ActorDown", "ActorDown"])
      assert.strictEqual(yield* Fiber.join(next), "done")
      assert.strictEqual(yield* actor.call.get(), 1)
    }))

  it.effect("shows its messages by path in the tree, without what they contain", () =>
    Effect.gen(function*() {
      const { actor } = yield* started()
      const tree = yield* SupervisionTree
      const seen: Array<TraceEvent> = []
      yield* Effect.forkChild(
        Stream.runForEach(tree.trace("root/counter"), (event) => Effect.sync(() => seen.push(event)))
      )
      yield* settle
      yield* actor.call.add(2)
      yield* Effect.flip(actor.call.add(-1))
      yield* actor.cast.set(1)
      yield* settle

      assert.deepStrictEqual(
        seen.map(({ detail, kind, message, path, what }) => [path, kind, message, what, detail]),
        [
          ["root/counter", "call", "add", "received", ""],
          ["root/counter", "call", "add", "answered", ""],
          ["root/counter", "call", "add", "received", ""],
          ["root/counter", "call", "add", "failed", "Negative"],
          ["root/counter", "cast", "set", "received", ""],
          ["root/counter", "cast", "set", "handled", ""]
        ]
      )
      assert.strictEqual(yield* tree.state("root/counter"), 1)
      yield* tree.suspend("root/counter")
      yield* tree.resume("root/counter")
      assert.deepInclude(yield* Effect.flip(tree.state("root/none")), { _tag: "NoSuchChild", isThere: false })
    }).pipe(Effect.provide(SupervisionTree.layer)))
})

describe("Monitors and links", () => {
  const fails = (id: string) =>
    Supervisor.child({
      id,
      restart: "temporary",
      run: Effect.andThen(Effect.sleep(10), Effect.fail(new Negative({ by: 1 })))
    })

  it.effect("a monitor tells once how the life that ran ended, with its typed failure", () =>
    Effect.gen(function*() {
      const supervisor = yield* Supervisor.start({ id: "root", strategy: "one_for_one", children: [fails("a")] })
      const down = yield* supervisor.monitor("a")
      const waiting = yield* Effect.forkChild(down, { startImmediately: true })
      yield* settle
      yield* passTime(10)

      const { failure, path, reason } = yield* Fiber.join(waiting)
      assert.deepStrictEqual([path, reason], ["root/a", "failure"])
      assert.deepStrictEqual(failure.reasons.map((reason) => reason._tag === "Fail" ? reason.error.by : undefined), [1])
      assert.deepInclude(yield* yield* supervisor.monitor("a"), { reason: "noproc", path: "root/a" })
    }))

  it.effect("a link kills the other child, whose restart kind says what then", () =>
    Effect.gen(function*() {
      const dynamic = yield* Supervisor.startDynamic<Negative>({ id: "d", maxChildren: 3 })
      let starts = 0
      yield* dynamic.startChild(fails("a"))
      yield* dynamic.startChild(Supervisor.child({
        id: "b",
        run: Effect.gen(function*() {
          starts += 1
          if (starts === 1) yield* dynamic.link("a")
          return yield* Effect.never
        }).pipe(Effect.scoped)
      }))
      const down = yield* dynamic.monitor("b")
      yield* settle
      yield* passTime(10)
      yield* settle

      assert.deepInclude(yield* down, { reason: "killed" })
      assert.strictEqual(starts, 2)
    }))

  it.effect.each(
    [
      { how: "normal", linked: "running" },
      { how: "shutdown", linked: "killed" },
      { how: "defect", linked: "killed" },
      { how: "killed", linked: "killed" }
    ] as const
  )(
    "after an end by $how a monitor says so, and a linked child is $linked",
    ({ how, linked }) =>
      Effect.gen(function*() {
        const trace = new Trace()
        let lives = 0
        const supervisor: Supervisor.Supervisor<Boom> = yield* Supervisor.start({
          id: "root",
          strategy: "one_for_one",
          children: [trace.child("a", { restart: "temporary" })]
        })
        yield* supervisor.startChild(Supervisor.child({
          id: "b",
          start: Effect.gen(function*() {
            lives += 1
            if (lives === 1) yield* supervisor.link("a")
            return Effect.never
          })
        }))
        const down = yield* supervisor.monitor("a")

        yield* how === "killed" ? trace.kill("a") : trace.end("a", ends[how])
        yield* settle

        assert.deepInclude(yield* down, { reason: how === "defect" ? "failure" : how })
        assert.strictEqual(lives, linked === "killed" ? 2 : 1)
      })
  )

  it.effect("a link works both ways, and is gone with the Scope it was made in", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor: Supervisor.Supervisor<Boom> = yield* Supervisor.start({
        id: "root",
        strategy: "one_for_one",
        children: [trace.child("a")]
      })
      yield* supervisor.startChild(trace.child("both", { starting: Effect.scoped(supervisor.link("a")) }))
      yield* trace.end("both")
      assert.strictEqual(trace.take(), "+a +both -both +both")

      yield* supervisor.startChild(trace.child("tied", { restart: "temporary", life: Effect.fail(new Boom("tied")) }))
      yield* supervisor.startChild(Supervisor.child({
        id: "linked",
        restart: "temporary",
        start: Effect.as(supervisor.link("a"), Effect.fail(new Boom("linked")))
      }))
      yield* settle

      assert.strictEqual(trace.take(), "+tied -tied -a +a")
    }))

  it.effect("a monitor of a child that is left behind says so, and one that was given up is told nothing", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      yield* leftBehind(1)
      const supervisor = yield* Supervisor.start({
        id: "root",
        strategy: "one_for_one",
        children: [trace.child("deaf", { shutdown: "brutal", life: Effect.uninterruptible(Effect.never) })]
      })
      yield* settle
      const down = yield* supervisor.monitor("deaf")
      const [givenUp] = yield* Effect.all([Effect.scoped(supervisor.monitor("deaf"))])
      const untold = yield* Effect.forkChild(givenUp, { startImmediately: true })

      yield* supervisor.terminateChild("deaf")

      assert.deepInclude(yield* down, { reason: "abandoned", path: "root/deaf" })
      yield* settle
      assert.isUndefined(untold.pollUnsafe())
      yield* Fiber.interrupt(untold)
    }))
})
