import { assert, describe } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Supervisor from "../../../../src/services/supervision/Supervisor.ts"
import { it } from "../fixtures/Leaks.ts"
import { type Boom, ends, refusal, settle, type Spec, Trace } from "../fixtures/Trace.ts"

const none: ReadonlyArray<Spec> = []

const oneForOne = (children: ReadonlyArray<Spec>) => ({ id: "root", strategy: "one_for_one" as const, children })

describe("A supervisor's start (scenarios 1 to 23)", () => {
  it.effect("1: an empty supervisor starts and has no children", () =>
    Effect.gen(function*() {
      const supervisor = yield* Supervisor.start(oneForOne(none))

      assert.deepStrictEqual(yield* supervisor.countChildren, { specs: 0, active: 0, supervisors: 0, workers: 0 })
    }))

  it.effect("2: a start that says ignore leaves nothing running of what it had started and acquired", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      // A supervisor's own options are values, so only the start around it can say ignore.
      const ignoring = (id: string) =>
        Supervisor.child({
          id,
          start: Effect.gen(function*() {
            yield* Effect.orDie(Supervisor.start({
              ...oneForOne([trace.child(`${id}1`), trace.child(`${id}2`)]),
              id: "inner"
            }))
            yield* Effect.acquireRelease(
              Effect.sync(() => trace.log.push(`+${id}`)),
              () => Effect.sync(() => trace.log.push(`-${id}`))
            )
            return Supervisor.ignore
          })
        })
      const supervisor = yield* Supervisor.start(oneForOne([ignoring("a")]))

      assert.strictEqual(trace.take(), "+a1 +a2 +a -a -a2 -a1")
      assert.strictEqual(yield* supervisor.startChild(ignoring("b")), "ignored")
      assert.strictEqual(trace.take(), "+b1 +b2 +b -b -b2 -b1")
      yield* settle
      assert.strictEqual(trace.liveFibers, 0)
      assert.deepInclude(yield* supervisor.countChildren, { specs: 2, active: 0 })
      assert.deepStrictEqual((yield* supervisor.tree).children.map(({ children, id }) => [id, children.length]), [
        ["a", 0],
        ["b", 0]
      ])
    }))

  it.effect("3: a start that throws is a start error and leaks nothing", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const error = yield* Effect.flip(Supervisor.start(oneForOne([
        trace.child("a"),
        Supervisor.child({
          id: "b",
          start: Effect.sync(() => {
            throw new Error("nonsense")
          })
        })
      ])))

      assert.strictEqual(error.message, "Supervisor root could not start b: Error: nonsense")
      assert.strictEqual(trace.liveFibers, 0)
    }))

  it.effect("4: a static child that ignores is listed, stopped and not active", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* Supervisor.start(oneForOne([trace.child("a", { ignores: true }), trace.child("b")]))

      assert.deepStrictEqual((yield* supervisor.whichChildren).map(({ id, status }) => [id, status]), [
        ["b", "running"],
        ["a", "stopped"]
      ])
      assert.strictEqual((yield* supervisor.countChildren).active, 1)
    }))

  it.effect("5: a static temporary child that ignores is not listed", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* Supervisor.start(oneForOne([trace.child("a", { ignores: true, restart: "temporary" })]))

      assert.deepStrictEqual(yield* supervisor.whichChildren, [])
    }))

  it.effect("6: startChild with ignore keeps the spec, but not a temporary one's", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* Supervisor.start(oneForOne(none))

      assert.strictEqual(yield* supervisor.startChild(trace.child("a", { ignores: true })), "ignored")
      yield* supervisor.startChild(trace.child("b", { ignores: true, restart: "temporary" }))

      assert.deepStrictEqual((yield* supervisor.whichChildren).map(({ id }) => id), ["a"])
    }))

  it.effect.each(["temporary", "permanent"] as const)(
    "7: a dynamic supervisor keeps no %s child that ignores",
    (restart) =>
      Effect.gen(function*() {
        const trace = new Trace()
        const supervisor = yield* Supervisor.startDynamic<Boom>({ id: "dynamic", maxChildren: 10 })

        assert.strictEqual(yield* supervisor.startChild(trace.child("a", { ignores: true, restart })), "ignored")

        assert.deepStrictEqual(yield* supervisor.whichChildren, [])
      })
  )

  it.effect("8: when the third child fails to start, the second and then the first are stopped and the error names the third", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      trace.failStart("c", 1)

      const error = yield* Effect.flip(Supervisor.start(oneForOne(["a", "b", "c", "d"].map((id) => trace.child(id)))))

      assert.strictEqual(trace.take(), "+a +b !c -b -a")
      assert.strictEqual(error.child, "c")
      assert.deepInclude(Cause.squash(error.failure), { _tag: "Boom", id: "c" })
    }))

  it.effect("9: a start by hand that fails leaves no spec and disturbs nobody", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* Supervisor.start(oneForOne([trace.child("a")]))
      trace.failStart("b", 1)

      const error = yield* Effect.flip(supervisor.startChild(trace.child("b")))

      assert.strictEqual(error._tag, "ChildStartError")
      assert.deepStrictEqual((yield* supervisor.whichChildren).map(({ id, status }) => [id, status]), [[
        "a",
        "running"
      ]])
    }))

  it.effect("10: a start that answers with something else than a life cannot be written, and a defect in it is an error", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* Supervisor.start(oneForOne([trace.child("a")]))
      // @ts-expect-error a start has to answer with an effect
      Supervisor.child({ id: "b", start: Effect.succeed("not a life") })

      const error = yield* Effect.flip(supervisor.startChild(trace.child("b", { starting: Effect.die("nonsense") })))

      assert.strictEqual(error.message, "root/b could not start: nonsense")
    }))

  it.effect("11: there is no pid to pass through: a second start of a running id is refused as already started", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* Supervisor.start(oneForOne([trace.child("a")]))
      const before = trace.instance("a")

      assert.strictEqual(yield* refusal(supervisor.startChild(trace.child("a"))), "already_started")
      assert.strictEqual(trace.instance("a"), before)
    }))

  it.effect("12: a restart by hand whose start fails keeps the spec, stopped", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* Supervisor.start(oneForOne([trace.child("a")]))
      yield* supervisor.terminateChild("a")
      trace.failStart("a", 1)

      const error = yield* Effect.flip(supervisor.restartChild("a"))

      assert.strictEqual(error._tag, "ChildStartError")
      assert.deepStrictEqual((yield* supervisor.whichChildren).map(({ id, status }) => [id, status]), [[
        "a",
        "stopped"
      ]])
    }))

  it.effect("13: a dynamic start error carries the child's own failure and leaves the count unchanged", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* Supervisor.startDynamic<Boom>({ id: "dynamic", maxChildren: 10 })
      yield* supervisor.startChild(trace.child("a"))
      trace.failStart("b", 1)

      const error = yield* Effect.flip(supervisor.startChild(trace.child("b")))

      assert.deepInclude(error._tag === "ChildStartError" ? Cause.squash(error.failure) : error, {
        _tag: "Boom",
        id: "b"
      })
      assert.strictEqual((yield* supervisor.countChildren).specs, 1)
    }))

  it.effect("14: a minimal spec gets every default", () =>
    Effect.gen(function*() {
      const supervisor = yield* Supervisor.start({
        id: "root",
        strategy: "one_for_one",
        children: [
          Supervisor.child({ id: "a", run: Effect.never }),
          Supervisor.supervisor({ id: "b", strategy: "one_for_one", children: [] })
        ]
      })

      const defaults = {
        restart: "permanent",
        significant: false,
        backoff: undefined,
        heartbeat: undefined,
        startTimeout: undefined,
        provider: undefined,
        uses: []
      }
      assert.deepEqual(yield* supervisor.getChildSpec("a"), {
        ...defaults,
        id: "a",
        kind: "worker",
        restart: "permanent",
        shutdown: "5 seconds"
      })
      assert.deepEqual(yield* supervisor.getChildSpec("b"), {
        ...defaults,
        id: "b",
        kind: "supervisor",
        restart: "permanent",
        shutdown: "infinity"
      })
    }))

  it.effect("15: a spec is found by its id, and an unknown id is refused", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* Supervisor.start(oneForOne([trace.child("a", { shutdown: "brutal" })]))
      const dynamic = yield* Supervisor.startDynamic<Boom>({ id: "dynamic", maxChildren: 1 })
      yield* dynamic.startChild(trace.child("b", { restart: "transient" }))

      assert.strictEqual((yield* supervisor.getChildSpec("a")).shutdown, "brutal")
      assert.strictEqual(yield* refusal(supervisor.getChildSpec("x")), "not_found")
      assert.strictEqual((yield* dynamic.getChildSpec("b")).restart, "transient")
      assert.strictEqual(yield* refusal(dynamic.getChildSpec("x")), "not_found")
    }))

  it.effect("20: unknown keys are ignored", () =>
    Effect.gen(function*() {
      const options = { id: "a", run: Effect.never, colour: "blue" }

      const supervisor = yield* Supervisor.start(oneForOne([Supervisor.child(options)]))

      assert.strictEqual((yield* supervisor.countChildren).active, 1)
    }))

  it.effect("21: the life of a static child by hand", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* Supervisor.start(oneForOne(none))
      const spec = trace.child("a")

      assert.strictEqual(yield* supervisor.startChild(spec), "started")
      yield* supervisor.terminateChild("a")
      assert.strictEqual(yield* refusal(supervisor.startChild(spec)), "already_present")
      assert.strictEqual(yield* supervisor.restartChild("a"), "started")
      assert.strictEqual(yield* refusal(supervisor.restartChild("a")), "running")
      assert.strictEqual(yield* refusal(supervisor.deleteChild("a")), "running")
      yield* supervisor.terminateChild("a")
      yield* supervisor.terminateChild("a")
      yield* supervisor.deleteChild("a")
      assert.strictEqual(yield* refusal(supervisor.restartChild("a")), "not_found")
      assert.strictEqual(yield* refusal(supervisor.terminateChild("a")), "not_found")
      assert.strictEqual(yield* refusal(supervisor.deleteChild("a")), "not_found")
      assert.strictEqual(trace.take(), "+a -a +a -a")
    }))

  it.effect("22: a dynamic child that is terminated is gone; there is nothing to restart or delete", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* Supervisor.startDynamic<Boom>({ id: "dynamic", maxChildren: 10 })
      yield* supervisor.startChild(trace.child("a"))

      yield* supervisor.terminateChild("a")

      assert.strictEqual(yield* refusal(supervisor.terminateChild("a")), "not_found")
      assert.isFalse("restartChild" in supervisor || "deleteChild" in supervisor)
      assert.strictEqual(yield* supervisor.startChild(trace.child("a")), "started")
    }))

  it.effect("23: what a start has to tell is there when startChild, and when restartChild answers", () =>
    Effect.gen(function*() {
      const told: Array<number> = []
      const supervisor = yield* Supervisor.start(oneForOne(none))
      // The place of OTP's `info` is a value that start and caller share.
      const server = Supervisor.child({
        id: "server",
        start: Effect.gen(function*() {
          yield* settle
          told.push(8080 + told.length)
          return Effect.never
        })
      })

      assert.strictEqual(yield* supervisor.startChild(server), "started")
      assert.deepStrictEqual(told, [8080])
      yield* supervisor.terminateChild("server")
      assert.strictEqual(yield* supervisor.restartChild("server"), "started")
      assert.deepStrictEqual(told, [8080, 8081])
    }))

  it.effect("starts the next child only after the one before has started, and can be interrupted in between", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const open = yield* Deferred.make<void>()
      const starting = yield* Effect.forkChild(
        Effect.scoped(Supervisor.start(oneForOne([
          trace.child("a"),
          trace.child("b", { starting: Deferred.await(open) }),
          trace.child("c")
        ]))),
        { startImmediately: true }
      )
      yield* settle
      assert.strictEqual(trace.take(), "+a")

      yield* Fiber.interrupt(starting)

      assert.strictEqual(trace.take(), "-a")
      assert.strictEqual(trace.liveFibers, 0)
    }))

  it.effect("counts an end in order during the start of a later child, but after it", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      yield* Supervisor.start(oneForOne([
        trace.child("a"),
        trace.child("b", { starting: Effect.andThen(Effect.suspend(() => trace.end("a", ends.error)), settle) })
      ]))
      yield* settle

      assert.strictEqual(trace.take(), "+a -a +b +a")
    }))
})
