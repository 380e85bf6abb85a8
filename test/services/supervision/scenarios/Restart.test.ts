import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Strategy } from "../../../../src/domain/supervision/Strategy.ts"
import * as Supervisor from "../../../../src/services/supervision/Supervisor.ts"
import { passTime } from "../../../support/StepBudget.ts"
import * as Events from "../fixtures/Events.ts"
import { it } from "../fixtures/Leaks.ts"
import { type Boom, ends, settle, type Spec, Trace } from "../fixtures/Trace.ts"

const tree = (
  strategy: Strategy,
  children: ReadonlyArray<Spec>,
  intensity: Parameters<typeof Supervisor.check>[0]["intensity"] = { maxRestarts: 3, period: "5 seconds" }
) => Supervisor.start({ id: "root", strategy, intensity, children })

const statusOf = (supervisor: Supervisor.Supervisor<Boom>, id: string) =>
  Effect.map(supervisor.whichChildren, (children) => children.find((child) => child.id === id)?.status)

const exits = ["normal", "shutdown", "error", "defect", "killed"] as const

const end = (trace: Trace, id: string, how: typeof exits[number]) =>
  how === "killed" ? trace.kill(id) : trace.end(id, ends[how])

describe("Restart kinds (scenarios 24 to 27)", () => {
  it.effect.each(exits)("24: a permanent child is restarted after %s", (how) =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* tree("one_for_one", [trace.child("a")])

      yield* end(trace, "a", how)

      assert.strictEqual(trace.take(), "+a -a +a")
      assert.strictEqual(yield* statusOf(supervisor, "a"), "running")
    }))

  it.effect.each(exits)(
    "25: a transient child is restarted after %s only if that is abnormal",
    (how) =>
      Effect.gen(function*() {
        const trace = new Trace()
        const supervisor = yield* tree("one_for_one", [trace.child("a", { restart: "transient" })])
        const isOrderly = how === "normal" || how === "shutdown"

        yield* end(trace, "a", how)

        assert.strictEqual(trace.take(), isOrderly ? "+a -a" : "+a -a +a")
        assert.strictEqual(yield* statusOf(supervisor, "a"), isOrderly ? "stopped" : "running")
      })
  )

  it.effect.each(exits)(
    "26: a temporary child is not restarted after %s, and its spec is gone",
    (how) =>
      Effect.gen(function*() {
        const trace = new Trace()
        const supervisor = yield* tree("one_for_one", [trace.child("a", { restart: "temporary" })])

        yield* end(trace, "a", how)

        assert.strictEqual(trace.take(), "+a -a")
        assert.strictEqual((yield* supervisor.countChildren).specs, 0)
      })
  )

  const reports: Readonly<Record<typeof exits[number], string>> = {
    normal: "a ended (normal)",
    shutdown: "a ended (shutdown): OrderlyExit: done",
    error: "a ended (failure): {\"_tag\":\"Boom\",\"id\":\"error\"}",
    defect: "a ended (failure): defect",
    killed: "a ended (killed): interrupted"
  }
  it.effect.each(
    exits.flatMap((how) => (["permanent", "transient", "temporary"] as const).map((restart) => ({ how, restart })))
  )(
    "27: reports every end of a permanent child, and only abnormal ends of the others: $restart, $how",
    ({ how, restart }) =>
      Effect.gen(function*() {
        const lines: Array<string> = []
        const trace = new Trace()
        const isOrderly = how === "normal" || how === "shutdown"

        yield* Effect.gen(function*() {
          yield* tree("one_for_one", [trace.child("a", { restart })])
          yield* end(trace, "a", how)
        }).pipe(Effect.scoped, Effect.provide(Events.collectLogs(lines)))

        assert.deepStrictEqual(lines, restart !== "permanent" && isOrderly ? [] : [reports[how]])
      })
  )
})

describe("Strategies and intensity (scenarios 36 to 50)", () => {
  it.effect("36: one_for_one renews the failed child and leaves its siblings alone", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      yield* tree("one_for_one", [trace.child("a"), trace.child("b"), trace.child("c")])
      const before = [trace.instance("a"), trace.instance("c")]
      trace.take()

      yield* trace.end("b")

      assert.strictEqual(trace.take(), "-b +b")
      assert.deepStrictEqual([trace.instance("a"), trace.instance("c")], before)
    }))

  it.effect("37: the third crash within the period brings a supervisor with two restarts down", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* tree("one_for_one", [trace.child("a")], { maxRestarts: 2, period: "1 hour" })
      yield* trace.end("a")
      yield* trace.end("a")
      assert.strictEqual((yield* supervisor.tree).state, "running")

      yield* trace.end("a")

      assert.deepInclude(yield* Effect.flip(supervisor.await), {
        reason: "intensity_exceeded",
        child: "a",
        restarts: 3
      })
    }))

  it.effect("38: crashes 2.1 s apart never exceed one restart in a second", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* tree("one_for_one", [trace.child("a")], { maxRestarts: 1, period: "1 second" })
      for (let crash = 0; crash < 20; crash += 1) {
        yield* trace.end("a")
        yield* passTime("2100 millis")
      }

      assert.strictEqual(yield* statusOf(supervisor, "a"), "running")
    }))

  it.effect.each([[5000, "stopped"], [5001, "running"]] as const)(
    "39: a restart %i ms ago leaves the supervisor %s",
    ([millis, state]) =>
      Effect.gen(function*() {
        const trace = new Trace()
        const supervisor = yield* tree("one_for_one", [trace.child("a")], { maxRestarts: 1, period: "5 seconds" })
        yield* trace.end("a")
        yield* passTime(millis)

        yield* trace.end("a")

        assert.strictEqual((yield* supervisor.tree).state, state)
      })
  )

  it.effect("40: with an intensity of zero the first crash ends it", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* tree("one_for_one", [trace.child("a"), trace.child("b")], { maxRestarts: 0, period: 1 })

      yield* trace.end("a")

      assert.strictEqual((yield* Effect.flip(supervisor.await)).reason, "intensity_exceeded")
      assert.strictEqual(trace.take(), "+a +b -a -b")
    }))

  it.effect.each(
    [["one_for_one", "41"], ["one_for_all", "44"], ["rest_for_one", "47"]] as const
  )(
    "41, 44, 47: attempts that keep failing end a %s supervisor, siblings included",
    ([strategy]) =>
      Effect.gen(function*() {
        const trace = new Trace()
        const supervisor = yield* tree(strategy, [trace.child("a"), trace.child("b")])
        trace.failStart("b", 100)

        yield* trace.end("b")

        assert.deepInclude(yield* Effect.flip(supervisor.await), {
          reason: "intensity_exceeded",
          child: "b",
          restarts: 4
        })
        assert.strictEqual(trace.log.filter((line) => line === "!b").length, 3)
        assert.strictEqual(trace.liveFibers, 0)
      })
  )

  it.effect("42: one_for_all stops all in reverse and starts all in order", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      yield* tree("one_for_all", [trace.child("a"), trace.child("b"), trace.child("c")])
      trace.take()

      yield* trace.end("b")

      assert.strictEqual(trace.take(), "-b -c -a +a +b +c")
    }))

  it.effect("43: one_for_all begins again when a sibling fails while the group restarts", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      yield* tree("one_for_all", [trace.child("a"), trace.child("b")])
      trace.take()
      trace.failStart("b", 1)

      yield* trace.end("a")

      assert.strictEqual(trace.take(), "-a -b +a !b -a +a +b")
    }))

  it.effect("45: rest_for_one leaves earlier children alone and renews the later ones", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      yield* tree("rest_for_one", [trace.child("a"), trace.child("b"), trace.child("c")])
      trace.take()

      yield* trace.end("b")

      assert.strictEqual(trace.take(), "-b -c +b +c")
    }))

  it.effect("46: rest_for_one does not restart the failed child again when a later one fails to start", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      yield* tree("rest_for_one", [trace.child("a"), trace.child("b"), trace.child("c"), trace.child("d")])
      trace.take()
      trace.failStart("c", 1)

      yield* trace.end("b")

      assert.strictEqual(trace.take(), "-b -d -c +b !c +c +d")
    }))

  it.effect("48: order is that of the list, not of the names", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* tree("rest_for_one", ["5", "2", "4", "1", "3"].map((id) => trace.child(id)))
      trace.take()

      yield* trace.end("4")
      assert.strictEqual(trace.take(), "-4 -3 -1 +4 +1 +3")

      yield* supervisor.stop
      assert.strictEqual(trace.take(), "-3 -1 -4 -2 -5")
    }))

  it.effect.each(["one_for_all", "rest_for_one"] as const)(
    "49: a temporary bystander of %s is stopped and gone",
    (strategy) =>
      Effect.gen(function*() {
        const trace = new Trace()
        const supervisor = yield* tree(strategy, [
          trace.child("a"),
          trace.child("b", { restart: "temporary" }),
          trace.child("c")
        ])
        trace.take()

        yield* trace.end("a")

        assert.strictEqual(trace.take(), "-a -c -b +a +c")
        assert.strictEqual((yield* supervisor.countChildren).specs, 2)
      })
  )

  it.effect("50: a group restart brings a child back that had been stopped by hand", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* tree("one_for_all", [trace.child("a"), trace.child("b")])
      yield* supervisor.terminateChild("b")
      trace.take()

      yield* trace.end("a")

      assert.strictEqual(trace.take(), "-a +a +b")
    }))
})

describe("Trees (scenarios 53 to 55)", () => {
  const leaf = (trace: Trace, restart: "permanent" | "transient") =>
    Supervisor.start({
      id: "top",
      strategy: "one_for_one",
      children: [
        Supervisor.supervisor({
          id: "middle",
          strategy: "one_for_one",
          restart,
          intensity: { maxRestarts: 1, period: "5 seconds" },
          children: [trace.child("leaf"), trace.child("other")]
        })
      ]
    })

  it.effect("53: the crash of a leaf stays on its level", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const top = yield* leaf(trace, "permanent")

      yield* trace.end("leaf")

      const node = yield* top.tree
      assert.strictEqual(node.restartsInWindow, 0)
      assert.strictEqual(node.children[0]?.restartsInWindow, 1)
      assert.strictEqual(trace.take(), "+leaf +other -leaf +leaf")
    }))

  it.effect("54: a permanent supervisor that gave up is restarted, which counts once above", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const top = yield* leaf(trace, "permanent")

      yield* trace.end("leaf")
      trace.take()
      yield* trace.end("leaf")

      const node = yield* top.tree
      assert.strictEqual(trace.take(), "-leaf -other +leaf +other")
      assert.strictEqual(node.restartsInWindow, 1)
      assert.deepInclude(node.children[0], { state: "running", restartsInWindow: 0, restartsTotal: 1 })
    }))

  it.effect("55: a transient supervisor that gave up stays down", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const top = yield* leaf(trace, "transient")

      yield* trace.end("leaf")
      yield* trace.end("leaf")

      const [middle] = (yield* top.tree).children
      assert.strictEqual(middle?.state, "stopped")
      assert.strictEqual(middle?.lastExit?.reason, "shutdown")
      assert.strictEqual((yield* top.tree).state, "running")
    }))

  it.effect("carries cause and path of the leaf up through every level", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const running = yield* Effect.forkChild(
        Supervisor.run({
          id: "top",
          strategy: "one_for_one",
          intensity: { maxRestarts: 0, period: "5 seconds" },
          children: [
            Supervisor.supervisor({
              id: "middle",
              strategy: "one_for_one",
              intensity: { maxRestarts: 0, period: "5 seconds" },
              children: [trace.child("leaf")]
            })
          ]
        }),
        { startImmediately: true }
      )
      yield* settle
      yield* trace.end("leaf")
      yield* settle

      const error = yield* Effect.flip(Fiber.join(running))

      assert.strictEqual(
        error.message,
        "Supervisor top ended (intensity_exceeded) because of middle after 1 restarts in its period: SupervisorShutdown: "
          + "Supervisor top/middle ended (intensity_exceeded) because of leaf after 1 restarts in its period: "
          + "{\"_tag\":\"Boom\",\"id\":\"leaf\"}"
      )
    }))
})

describe("Attempts that keep failing (scenarios 61 to 64)", () => {
  const endless = { maxRestarts: 1_000_000_000, period: "1 hour" } as const

  it.effect.each(["one_for_one", "rest_for_one", "one_for_all"] as const)(
    "61: %s answers and stops while restarts keep failing",
    (strategy) =>
      Effect.gen(function*() {
        const trace = new Trace()
        const supervisor = yield* tree(strategy, [trace.child("a"), trace.child("b"), trace.child("c")], endless)
        trace.failStart("b", Number.POSITIVE_INFINITY)
        yield* trace.end("b")

        // Between two attempts, or in one of them.
        assert.include(["restarting", "starting"], yield* statusOf(supervisor, "b"))
        assert.strictEqual((yield* supervisor.countChildren).specs, 3)
        yield* supervisor.terminateChild("a")
        yield* supervisor.stop

        assert.strictEqual(trace.liveFibers, 0)
      })
  )

  it.effect("61: a dynamic supervisor answers and stops while restarts keep failing", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      yield* Effect.gen(function*() {
        const supervisor = yield* Supervisor.startDynamic<Boom>({ id: "dynamic", maxChildren: 10, intensity: endless })
        yield* supervisor.startChild(trace.child("a"))
        trace.failStart("a", Number.POSITIVE_INFINITY)
        yield* trace.end("a")

        const [child, ...others] = yield* supervisor.whichChildren
        assert.isEmpty(others)
        assert.include(["restarting", "starting"], child?.status)
        yield* supervisor.startChild(trace.child("b"))
        yield* supervisor.terminateChild("b")
      }).pipe(Effect.scoped)

      assert.strictEqual(trace.liveFibers, 0)
    }))

  it.effect("62: requests about a restarting child are refused as such", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* tree("one_for_one", [trace.child("a")], endless)
      trace.failStart("a", Number.POSITIVE_INFINITY)
      yield* trace.end("a")

      assert.deepInclude(yield* Effect.flip(supervisor.restartChild("a")), { reason: "restarting" })
      assert.deepInclude(yield* Effect.flip(supervisor.deleteChild("a")), { reason: "restarting" })
      assert.deepInclude(yield* Effect.flip(supervisor.startChild(trace.child("a"))), { reason: "already_present" })
    }))

  it.effect("63: terminateChild cancels the restart, and no ghost starts later", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* tree("one_for_one", [trace.child("a")], endless)
      trace.failStart("a", Number.POSITIVE_INFINITY)
      yield* trace.end("a")

      yield* supervisor.terminateChild("a")
      trace.failStart("a", 0)
      trace.take()
      yield* passTime("1 hour")

      assert.strictEqual(trace.take(), "")
      assert.strictEqual(yield* statusOf(supervisor, "a"), "stopped")
    }))

  it.effect("64: a supervisor that is killed takes its children along, and comes back with the static ones only", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      // OTP kills the process and its children die by their links; a fiber's Scope does the same in order.
      let kill = (): void => {}
      let inner: Supervisor.Supervisor<Boom> | undefined
      const supervisor = yield* Supervisor.start({
        id: "root",
        strategy: "one_for_one",
        children: [
          Supervisor.child({
            id: "inner",
            start: Effect.gen(function*() {
              kill = yield* Effect.withFiber((fiber) => Effect.succeed(() => fiber.interruptUnsafe()))
              inner = yield* Supervisor.start({
                id: "inner",
                strategy: "one_for_one",
                children: [trace.child("a"), trace.child("b")]
              })
              return inner.await
            })
          })
        ]
      })
      const first = inner
      yield* first?.startChild(trace.child("later")) ?? Effect.void
      assert.strictEqual(trace.take(), "+a +b +later")

      kill()
      yield* settle

      assert.strictEqual(trace.take(), "-later -b -a +a +b")
      assert.strictEqual(trace.liveFibers, 2)
      assert.deepStrictEqual((yield* inner?.whichChildren ?? Effect.succeed([])).map(({ id }) => id), ["b", "a"])
      const gone = yield* Effect.flip(first?.countChildren ?? Effect.fail({ _tag: "none" }))
      assert.strictEqual(gone._tag, "SupervisorGone")
      assert.strictEqual((yield* supervisor.tree).children[0]?.restartsTotal, 1)
    }))
})
