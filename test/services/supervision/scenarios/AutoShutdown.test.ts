import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { AutoShutdown } from "../../../../src/domain/supervision/AutoShutdown.ts"
import * as Supervisor from "../../../../src/services/supervision/Supervisor.ts"
import { it } from "../fixtures/Leaks.ts"
import { ends, type Spec, Trace } from "../fixtures/Trace.ts"

const tree = (
  autoShutdown: AutoShutdown,
  children: ReadonlyArray<Spec>,
  strategy: "one_for_one" | "one_for_all" = "one_for_one"
) => Supervisor.start({ id: "root", strategy, autoShutdown, children })

const significant = { significant: true, restart: "transient" } as const

const stateOf = <E>(supervisor: Supervisor.Supervisor<E>) => Effect.map(supervisor.tree, ({ state }) => state)

describe("Auto-shutdown (scenarios 66 to 73)", () => {
  it.effect.each([["any_significant", "stopped"], ["all_significant", "running"]] as const)(
    "66: the orderly end of one of two significant children under %s leaves the supervisor %s",
    ([autoShutdown, state]) =>
      Effect.gen(function*() {
        const trace = new Trace()
        const supervisor = yield* tree(autoShutdown, [
          trace.child("a", significant),
          trace.child("b", significant),
          trace.child("c")
        ])

        yield* trace.end("a", ends.normal)

        assert.strictEqual(yield* stateOf(supervisor), state)
        if (state === "stopped") {
          assert.strictEqual(trace.take(), "+a +b +c -a -c -b")
          assert.deepInclude(yield* Effect.flip(supervisor.await), { reason: "auto_shutdown", child: "a" })
        }
      })
  )

  it.effect("66: under never a transient child just stays stopped", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* tree("never", [trace.child("a", { restart: "transient" })])

      yield* trace.end("a", ends.normal)

      assert.strictEqual(yield* stateOf(supervisor), "running")
    }))

  it.effect("67: the crash of a significant temporary child ends the supervisor under any_significant", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* tree("any_significant", [trace.child("a", { significant: true, restart: "temporary" })])

      yield* trace.end("a")

      assert.strictEqual((yield* Effect.flip(supervisor.await)).reason, "auto_shutdown")
    }))

  it.effect("68: the crash of a significant transient child is a restart, not an end", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* tree("any_significant", [trace.child("a", significant)])

      yield* trace.end("a")

      assert.strictEqual(trace.take(), "+a -a +a")
      assert.strictEqual(yield* stateOf(supervisor), "running")
    }))

  it.effect("69: all_significant waits for the last of three, and one that restarts is still active", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const backoff = { schedule: Schedule.spaced("1 second") }
      const supervisor = yield* tree("all_significant", [
        trace.child("a", significant),
        trace.child("b", significant),
        trace.child("c", { ...significant, backoff })
      ])
      yield* trace.end("c")
      yield* trace.end("a", ends.normal)
      yield* trace.end("b", ends.normal)
      assert.strictEqual(yield* stateOf(supervisor), "running")

      yield* supervisor.terminateChild("c")
      assert.strictEqual(yield* stateOf(supervisor), "running")
      yield* supervisor.restartChild("c")
      yield* trace.end("c", ends.normal)

      assert.strictEqual(yield* stateOf(supervisor), "stopped")
    }))

  it.effect("70: the end of a child that is not significant never ends the supervisor", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* tree("any_significant", [
        trace.child("a", { restart: "transient" }),
        trace.child("b", significant)
      ])

      yield* trace.end("a", ends.normal)

      assert.strictEqual(yield* stateOf(supervisor), "running")
    }))

  it.effect("71: stops by hand and by a group restart do not count", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* tree(
        "any_significant",
        [
          trace.child("a"),
          trace.child("b", { significant: true, restart: "temporary" }),
          trace.child("c", significant)
        ],
        "one_for_all"
      )

      yield* supervisor.terminateChild("c")
      yield* trace.end("a")

      assert.strictEqual(yield* stateOf(supervisor), "running")
    }))

  it.effect("72: cascades through a supervisor that is itself significant", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* Supervisor.start({
        id: "root",
        strategy: "one_for_one",
        autoShutdown: "any_significant",
        children: [
          Supervisor.supervisor({
            id: "inner",
            ...significant,
            strategy: "one_for_one",
            autoShutdown: "any_significant",
            children: [trace.child("a", significant)]
          })
        ]
      })

      yield* trace.end("a", ends.normal)

      assert.deepInclude(yield* Effect.flip(supervisor.await), { reason: "auto_shutdown", child: "inner" })
    }))

  it.effect("73: a change of autoShutdown takes effect at once", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const children = [trace.child("a", significant), trace.child("b", significant)]
      const supervisor = yield* tree("all_significant", children)

      yield* supervisor.changeSpecs({ id: "root", strategy: "one_for_one", autoShutdown: "any_significant", children })
      yield* trace.end("a", ends.normal)

      assert.strictEqual(yield* stateOf(supervisor), "stopped")
    }))
})

describe("A change of specs (scenario 65)", () => {
  it.effect("65: new specs are added without being started, those left out stay after them", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* tree("never", [trace.child("a"), trace.child("b")])
      trace.take()

      yield* supervisor.changeSpecs({
        id: "root",
        strategy: "one_for_all",
        children: [trace.child("c"), trace.child("b", { shutdown: "brutal" })]
      })

      assert.deepStrictEqual((yield* supervisor.whichChildren).map(({ id, status }) => [id, status]), [
        ["a", "running"],
        ["b", "running"],
        ["c", "stopped"]
      ])
      assert.strictEqual((yield* supervisor.getChildSpec("b")).shutdown, "brutal")
      assert.strictEqual(trace.take(), "")

      yield* trace.end("b")
      assert.strictEqual(trace.take(), "-b -a +c +b +a")
    }))

  it.effect("65: invalid specs leave the old ones in force", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* tree("never", [trace.child("a")])

      const error = yield* Effect.flip(supervisor.changeSpecs({
        id: "root",
        strategy: "one_for_all",
        children: [trace.child("b"), trace.child("b")]
      }))

      assert.deepInclude(error, { _tag: "InvalidChildSpec", child: "b", field: "id" })
      assert.strictEqual((yield* supervisor.tree).strategy, "one_for_one")
      assert.strictEqual((yield* supervisor.countChildren).specs, 1)
    }))

  it.effect("65: a change that the caller ignores is simply not asked for, and a dynamic supervisor has no specs to change", () =>
    Effect.gen(function*() {
      const supervisor = yield* Supervisor.startDynamic<never>({ id: "dynamic", maxChildren: 1 })

      assert.isFalse("changeSpecs" in supervisor)
    }))
})
