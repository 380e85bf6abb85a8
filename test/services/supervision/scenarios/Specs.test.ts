import { assert, describe, it as plain } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { AutoShutdown } from "../../../../src/domain/supervision/AutoShutdown.ts"
import type { Restart } from "../../../../src/domain/supervision/ChildExit.ts"
import * as Supervisor from "../../../../src/services/supervision/Supervisor.ts"
import { it } from "../fixtures/Leaks.ts"
import { type Boom, type Spec, Trace } from "../fixtures/Trace.ts"

const forever = (id: string, options: Partial<Supervisor.ChildOptions> = {}) =>
  Supervisor.child({ ...options, id, run: Effect.never })

const fields = (options: Parameters<typeof Supervisor.check>[0]) =>
  Supervisor.check(options).map(({ child, field }) => child === undefined ? field : `${child}.${field}`)

type Wrong = readonly [what: string, wrong: Record<string, unknown>, field: string]

describe("A supervisor's specs (scenarios 16 to 20, 56)", () => {
  const notAPeriod: ReadonlyArray<readonly [string, unknown]> = [
    ["zero", 0],
    ["negative", -1],
    ["no number", Number.NaN],
    ["endless", "infinity"],
    ["endless by number", Number.POSITIVE_INFINITY],
    ["no duration", "soon"]
  ]
  const notAnId: ReadonlyArray<readonly [string, unknown]> = [
    ["empty", ""],
    ["a path", "a/b"],
    ["of two lines", "a\nb"],
    ["with a bell", "a\u0007"],
    ["with an escape of C1", "a\u009b31m"],
    ["of 1,001 characters", "a".repeat(1001)],
    ["a number", 7]
  ]
  const notACount: ReadonlyArray<readonly [string, unknown]> = [
    ["negative", -1],
    ["a fraction", 1.5],
    ["no number", Number.NaN],
    ["endless", Number.POSITIVE_INFINITY],
    ["a text", "3"]
  ]

  it.effect.each<Wrong>([
    ...notACount.map(([what, wrong]): Wrong => [
      `maxRestarts that is ${what}`,
      { intensity: { maxRestarts: wrong, period: "5 seconds" } },
      "intensity.maxRestarts"
    ]),
    ...notAPeriod.map(([what, wrong]): Wrong => [
      `a period that is ${what}`,
      { intensity: { maxRestarts: 1, period: wrong } },
      "intensity.period"
    ]),
    ...notAnId.map(([what, wrong]): Wrong => [`an id that is ${what}`, { id: wrong }, "id"]),
    ["an unknown autoShutdown", { autoShutdown: "any" }, "autoShutdown"],
    ["an unknown strategy", { strategy: "one_for_two" }, "strategy"]
  ])("16: %s is refused by its name, by the check and by the start", ([, wrong, field]) =>
    Effect.gen(function*() {
      const trace = new Trace()
      const options = { id: "root", strategy: "one_for_one" as const, children: [trace.child("a")], ...wrong }

      const error = yield* Effect.flip(Supervisor.start(options))

      assert.deepStrictEqual(fields(options), [field])
      assert.deepInclude(error.problem, { field })
      assert.isFalse("child" in (error.problem ?? {}))
      assert.strictEqual(trace.take(), "")
    }))

  it("16: an unknown strategy does not compile, and is refused where types are not looked at", () => {
    const strategy: Record<string, string> = { strategy: "one_for_two" }
    // @ts-expect-error not a strategy
    const options: Parameters<typeof Supervisor.check>[0] = { id: "root", children: [], ...strategy }

    assert.deepStrictEqual(fields(options), ["strategy"])
  })

  const later = { schedule: Schedule.spaced("1 second") }
  it.effect.each<Wrong>([
    ...notAnId.map(([what, wrong]): Wrong => [`an id that is ${what}`, { id: wrong }, "id"]),
    ...(["heartbeat", "startTimeout"] as const).flatMap((field) =>
      notAPeriod.map(([what, wrong]): Wrong => [`a ${field} that is ${what}`, { [field]: wrong }, field])
    ),
    ["a shutdown that is no duration", { shutdown: "soon" }, "shutdown"],
    ["a shutdown that is negative", { shutdown: -1 }, "shutdown"],
    ["a shutdown that is no number", { shutdown: Number.NaN }, "shutdown"],
    ["an unknown restart", { restart: "always" }, "restart"],
    [
      "a backoff that is reset after no number",
      { backoff: { ...later, resetAfter: Number.NaN } },
      "backoff.resetAfter"
    ],
    [
      "a backoff that is reset after less than nothing",
      { backoff: { ...later, resetAfter: -1 } },
      "backoff.resetAfter"
    ],
    ["a backoff that is reset after nonsense", { backoff: { ...later, resetAfter: "soon" } }, "backoff.resetAfter"],
    ["significance that is neither", { significant: "yes" }, "significant"],
    ["a significant permanent child", { significant: true }, "significant"]
  ])(
    "17: %s is refused by its name, by the check, by the start and by hand",
    ([, wrong, field]) =>
      Effect.gen(function*() {
        const trace = new Trace()
        // What types refuse is handed over as what they do not look at.
        const child = trace.child("wrong", wrong)
        const spec = "id" in wrong ? { ...child, description: { ...child.description, ...wrong } } : child
        const options = { id: "root", strategy: "one_for_one" as const, children: [trace.child("before"), spec] }

        const started = yield* Effect.flip(Supervisor.start(options))
        assert.deepStrictEqual(Supervisor.check(options).map(({ field }) => field), [field])
        assert.deepInclude(started.problem, { child: String(spec.description.id), field })
        assert.strictEqual(trace.take(), "")

        const none: ReadonlyArray<Spec> = []
        const supervisor = yield* Supervisor.start({ ...options, children: none })
        assert.deepInclude(yield* Effect.flip(supervisor.startChild(spec)), { _tag: "InvalidChildSpec", field })
        const dynamic = yield* Supervisor.startDynamic<Boom>({ id: "dynamic", maxChildren: 2 })
        assert.deepInclude(yield* Effect.flip(dynamic.startChild(spec)), { _tag: "InvalidChildSpec", field })
        assert.deepInclude(yield* dynamic.countChildren, { specs: 0 })
        assert.strictEqual(trace.take(), "")
      })
  )

  const autoShutdowns: ReadonlyArray<AutoShutdown> = ["never", "any_significant", "all_significant"]
  const restarts: ReadonlyArray<Restart> = ["permanent", "transient", "temporary"]
  plain.each(
    autoShutdowns.flatMap((autoShutdown) =>
      restarts.flatMap((restart) => [true, false].map((significant) => ({ autoShutdown, restart, significant })))
    )
  )(
    "17: significant=$significant for a $restart child under $autoShutdown",
    ({ autoShutdown, restart, significant }) => {
      const isAllowed = !significant || (restart !== "permanent" && autoShutdown !== "never")

      const problems = fields({
        id: "root",
        strategy: "one_for_one",
        autoShutdown,
        children: [forever("a", { restart, significant })]
      })

      assert.deepStrictEqual(problems, isAllowed ? [] : ["a.significant"])
    }
  )

  it.effect("18: duplicate ids are refused, by the check and by the start alike", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const options = {
        id: "root",
        strategy: "one_for_one" as const,
        children: [trace.child("a"), trace.child("b"), trace.child("a")]
      }

      const started = yield* Effect.flip(Supervisor.start(options))
      const run = yield* Effect.flip(Supervisor.run(options))

      assert.deepStrictEqual(fields(options), ["a.id"])
      assert.strictEqual(started.problem?.message, "root/a: id is \"a\", expected an id no sibling has")
      assert.deepInclude(run, { reason: "invalid_spec", child: "a" })
      assert.strictEqual(trace.take(), "")
    }))

  it.effect.each(
    [0, -1, 1.5, Number.NaN]
  )(
    "19: a dynamic supervisor has no children in its spec; with room for %s it is refused",
    (maxChildren) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Supervisor.startDynamic<Boom>({ id: "dynamic", maxChildren }))

        assert.strictEqual(error.problem?.field, "maxChildren")
      })
  )

  it("56: a supervisor with a finite shutdown limit does not compile, and is refused where types are not looked at", () => {
    const shutdown: Record<string, string> = { shutdown: "5 seconds" }

    const inner = Supervisor.supervisor({ id: "inner", strategy: "one_for_one", children: [], ...shutdown })

    // @ts-expect-error a supervisor that is cut short leaves its children behind
    Supervisor.supervisor({ id: "inner", strategy: "one_for_one", children: [], shutdown: "5 seconds" })
    assert.deepStrictEqual(fields({ id: "root", strategy: "one_for_one", children: [inner] }), ["inner.shutdown"])
  })

  it("names every problem at once", () => {
    const problems = fields({
      id: "root",
      strategy: "one_for_one",
      intensity: { maxRestarts: -1, period: 0 },
      children: [forever("a", { significant: true }), forever("a", { heartbeat: 0 })]
    })

    assert.deepStrictEqual(problems, [
      "intensity.maxRestarts",
      "intensity.period",
      "a.significant",
      "a.id",
      "a.heartbeat"
    ])
  })

  it.effect("refuses a nonsense child by hand before it starts", () =>
    Effect.gen(function*() {
      const supervisor = yield* Supervisor.start({ id: "root", strategy: "one_for_one", children: [forever("a")] })

      const error = yield* Effect.flip(supervisor.startChild(forever("b", { significant: true })))

      assert.deepInclude(error, { _tag: "InvalidChildSpec", supervisor: "root", child: "b", field: "significant" })
    }))
})
