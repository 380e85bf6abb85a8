import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import { passTime } from "../../support/StepBudget.ts"
import { it } from "./fixtures/Leaks.ts"
import { settle, Trace } from "./fixtures/Trace.ts"

describe("Supervisor", () => {
  it.effect("restarts the rest in order and stops everything in reverse", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const run = yield* Effect.forkChild(
        Supervisor.run({
          id: "root",
          strategy: "rest_for_one",
          children: [trace.child("a"), trace.child("b"), trace.child("c")]
        }),
        { startImmediately: true }
      )
      yield* settle
      assert.strictEqual(trace.take(), "+a +b +c")

      yield* trace.end("b")
      assert.strictEqual(trace.take(), "-b -c +b +c")

      yield* Fiber.interrupt(run)
      assert.strictEqual(trace.take(), "-c -b -a")
    }))

  it.effect("gives up when a child dies faster than the restart intensity allows", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const run = yield* Effect.forkChild(
        Supervisor.run({
          id: "root",
          strategy: "one_for_one",
          intensity: { maxRestarts: 1, period: "5 seconds" },
          children: [trace.child("a"), trace.child("b")]
        }),
        { startImmediately: true }
      )
      yield* settle
      yield* trace.end("b")
      yield* passTime("5 seconds")
      yield* trace.end("b")

      const error = yield* Effect.flip(Fiber.join(run))

      assert.deepInclude(error, { path: "root", reason: "intensity_exceeded", child: "b", restarts: 2 })
      assert.strictEqual(trace.take(), "+a +b -b +b -b -a")
    }))

  it.effect("shows nested supervisors in the tree", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const tree = yield* SupervisionTree
      yield* Supervisor.start({
        id: "root",
        strategy: "one_for_all",
        children: [
          Supervisor.supervisor({
            id: "inner",
            strategy: "one_for_one",
            children: [trace.child("a"), trace.child("b")]
          })
        ]
      })
      yield* trace.end("a")

      const [root] = yield* tree.snapshot

      assert.deepStrictEqual(
        root?.children.map((node) => [node.path, node.kind, node.restartsInWindow, node.restartsBudgetLeft]),
        [
          ["root/inner", "supervisor", 1, 2]
        ]
      )
      assert.deepStrictEqual(root?.children[0]?.children.map((node) => [node.path, node.state, node.restartsTotal]), [
        ["root/inner/a", "running", 1],
        ["root/inner/b", "running", 0]
      ])
    }).pipe(Effect.provide(SupervisionTree.layer)))
})
