import { assert, describe, it as plain } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { AutoShutdown } from "../../../../src/domain/supervision/AutoShutdown.ts"
import type { Restart } from "../../../../src/domain/supervision/ChildExit.ts"
import * as Supervisor from "../../../../src/services/supervision/Supervisor.ts"
import { it } from "../fixtures/Leaks.ts"
import { type Boom, Trace } from "../fixtures/Trace.ts"

const forever = (id: string, options: Partial<Supervisor.ChildOptions> = {}) =>
  Supervisor.child({ ...options, id, run: Effect.never })

const fields = (options: Parameters<typeof Supervisor.check>[0]) =>
  Supervisor.check(options).map(({ child, field }) => child === undefined ? field : `${child}.${field}`)

type Wrong = readonly [what: string, wrong: Record<string, unknown>, field: string]

describe("A supervisor's specs (scenarios 16 to 20, 56)", () => {
  plain.each<Wrong>(
    [
      ["a negative maxRestarts", { intensity: { maxRestarts: -1, period: "5 seconds" } }, "intensity.maxRestarts"],
      ["a fractional maxRestarts", { intensity: { maxRestarts: 1.5, period: "5 seconds" } }, "intensity.maxRestarts"],
      ["a period of zero", { intensity: { maxRestarts: 1, period: 0 } }, "intensity.period"],
      ["an endless period", { intensity: { maxRestarts: 1, period: "infinity" } }, "intensity.period"],
      ["an empty id", { id: "" }, "id"]
    ]
  )("16: %s is refused by its name", (_, wrong, field) => {
    assert.deepStrictEqual(fields({ id: "root", strategy: "one_for_one", children: [], ...wrong }), [field])
  })

  it("16: an unknown strategy does not compile, and is refused where types are not looked at", () => {
    const strategy: Record<string, string> = { strategy: "one_for_two" }
    // @ts-expect-error not a strategy
    const options: Parameters<typeof Supervisor.check>[0] = { id: "root", children: [], ...strategy }

    assert.deepStrictEqual(fields(options), ["strategy"])
  })

  plain.each<Wrong>(
    [
      ["an empty id", { id: "" }, "id"],
      ["a shutdown that is no duration", { shutdown: "soon" }, "shutdown"],
      ["a heartbeat of zero", { heartbeat: 0 }, "heartbeat"],
      ["an endless heartbeat", { heartbeat: "infinity" }, "heartbeat"],
      ["a significant permanent child", { significant: true }, "significant"]
    ]
  )("17: %s is refused by its name", (_, wrong, field) => {
    const child = { id: "a", run: Effect.never, ...wrong }

    const [problem] = Supervisor.check({ id: "root", strategy: "one_for_one", children: [Supervisor.child(child)] })

    assert.strictEqual(problem?.field, field)
  })

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

  it.effect("19: a dynamic supervisor has no children in its spec; without room for any it is refused", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Supervisor.startDynamic<Boom>({ id: "dynamic", maxChildren: 0 }))

      assert.strictEqual(error.problem?.field, "maxChildren")
    }))

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
