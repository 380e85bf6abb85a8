import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import * as Supervisor from "../../../../src/services/supervision/Supervisor.ts"
import * as TestTree from "../../../../src/services/supervision/testing/TestTree.ts"
import * as TreeCheck from "../../../../src/services/supervision/testing/TreeCheck.ts"
import { currentSeed } from "../../../support/StepBudget.ts"

/** Under small step budgets each test runs again and again, each time with other faults. */
const drawn = (seeds: number) => {
  const seed = currentSeed()
  return seed === undefined ? { seeds, faultsMin: seeds * 5 } : { seeds: seeds / 10, faultsMin: 1, firstSeed: seed }
}

const worker = (id: string, options: Partial<Supervisor.ChildOptions> = {}) =>
  Supervisor.child({ ...options, id, run: Effect.never })

const shop = Effect.sync(() =>
  TreeCheck.subject({
    id: "shop",
    strategy: "rest_for_one",
    children: [
      worker("till"),
      Supervisor.supervisor({
        id: "counters",
        strategy: "one_for_all",
        children: [worker("left"), worker("right", { restart: "transient" }), worker("boy", { restart: "temporary" })]
      }),
      Supervisor.child({
        id: "baker",
        start: Effect.gen(function*() {
          yield* Effect.sleep("20 millis")
          yield* Effect.addFinalizer(() => Effect.sleep("10 millis"))
          return Effect.forever(Effect.sleep("1 second"))
        })
      })
    ]
  })
)

describe("TreeCheck", () => {
  it("finds nothing in a sound tree, whatever is done to it", async () => {
    const { faultsMin, ...options } = drawn(100)
    const report = await Effect.runPromise(TreeCheck.check(shop, options))

    assert.strictEqual(report.seeds, options.seeds)
    assert.isAtLeast(report.faults, faultsMin)
  })

  it("takes a supervisor that ended by itself for running until its finalizers have run", () =>
    Effect.runPromise(Effect.asVoid(TreeCheck.check(shop, { firstSeed: 317, seeds: 1 }))))

  it.each(["one_for_all", "rest_for_one"] as const)(
    "finds nothing in a %s group that waits for a backoff",
    async (strategy) => {
      const patient = Effect.sync(() =>
        TreeCheck.subject({
          id: "a",
          strategy,
          children: [
            worker("first", { backoff: { schedule: Schedule.spaced("5 seconds") } }),
            worker("second"),
            worker("third")
          ]
        })
      )

      const { faultsMin, ...options } = drawn(30)
      const report = await Effect.runPromise(TreeCheck.check(patient, options))

      assert.isAtLeast(report.faults, faultsMin)
    }
  )

  it("finds a fault again by its seed, and by its plan alone", async () => {
    const restless = Effect.sync(() => {
      let starts = 0
      return TreeCheck.subject(
        {
          id: "a",
          strategy: "one_for_one",
          children: [Supervisor.child({ id: "b", run: Effect.suspend(() => (starts += 1, Effect.never)) })]
        },
        [{
          name: "b starts once",
          when: "always",
          broken: Effect.sync(() => starts > 1 ? `${starts} times` : undefined)
        }]
      )
    })

    const found = await Effect.runPromise(Effect.flip(TreeCheck.check(restless, { seeds: 100 })))
    const again = await Effect.runPromise(
      Effect.flip(TreeCheck.check(restless, { firstSeed: found.seed, seeds: 1 }))
    )
    const replayed = await Effect.runPromise(Effect.flip(TreeCheck.replay(restless, found.plan)))

    assert.strictEqual(again.message, found.message)
    assert.strictEqual(replayed.message, found.message)
    assert.lengthOf(found.plan.steps, 1)
  })

  it("tells the steps to a loop that waits for nothing, and the last events", async () => {
    const spinning = Effect.sync(() => {
      let starts = 0
      const life = Effect.suspend(() => ++starts < 2 ? Effect.never : Effect.forever(Effect.yieldNow))
      return TreeCheck.subject({
        id: "a",
        strategy: "one_for_one",
        children: [Supervisor.child({ id: "b", run: life })]
      })
    })

    const found = await Effect.runPromise(
      Effect.flip(TreeCheck.check(spinning, { firstSeed: currentSeed() ?? 1, seeds: 100, faults: ["kill"] }))
    )

    assert.strictEqual(found.invariant, "the tree comes to rest without time passing")
    assert.deepStrictEqual(found.steps, ["kill a/b"])
    assert.include(found.lastEvents, "a/b restarting")
  })
})

describe("TestTree", () => {
  it("crashes a child by its path and shows what came of it", () =>
    Effect.runPromise(TestTree.provide(Effect.gen(function*() {
      const tree = yield* TestTree.start({
        id: "root",
        strategy: "one_for_all",
        children: [worker("a"), worker("b")]
      })
      yield* tree.takeLog

      yield* tree.crash("root/a")

      assert.deepStrictEqual(yield* tree.takeLog, [
        "root/a exited failure",
        "root/a restarting",
        "root/b stopped shutdown",
        "root/a started",
        "root/b started"
      ])
    }))))
})
