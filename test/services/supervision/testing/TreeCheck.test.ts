import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Supervisor from "../../../../src/services/supervision/Supervisor.ts"
import * as TestTree from "../../../../src/services/supervision/testing/TestTree.ts"
import * as TreeCheck from "../../../../src/services/supervision/testing/TreeCheck.ts"

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
    const report = await Effect.runPromise(TreeCheck.check(shop, { seeds: 300 }))

    assert.strictEqual(report.seeds, 300)
    assert.isAbove(report.faults, 1_500)
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
