/**
 * Puts a tree through faults that nobody thought of: a connection, and a worker that keeps the one it found at its start.
 *
 *   node examples/testing-your-tree.ts
 *
 * With `one_for_one` the worker goes on with a connection that is gone; the kit shows the shortest way there. With
 * `rest_for_one` nothing is found.
 */
import { Console, Effect } from "effect"
// In your own project: from "serviceradar-effect/supervision"
import { Supervisor } from "../src/services/supervision/index.ts"
// In your own project: from "serviceradar-effect/supervision/testing"
import { TestTree, TreeCheck } from "../src/services/supervision/testing/index.ts"

/** Made anew for each seed: what the children share is made here. */
const store = (strategy: "one_for_one" | "rest_for_one") =>
  Effect.sync(() => {
    let current = 0
    let used = 0
    const connection = Supervisor.child({
      id: "connection",
      start: Effect.sync(() => {
        current += 1
        return Effect.never
      })
    })
    const worker = Supervisor.child({
      id: "worker",
      start: Effect.sync(() => {
        used = current
        return Effect.never
      })
    })
    return TreeCheck.subject(
      { id: "store", strategy, children: [connection, worker] },
      [{
        name: "the worker uses the connection that lives",
        when: "healed",
        broken: Effect.sync(() => used === current ? undefined : `it uses number ${used} of ${current}`)
      }]
    )
  })

const scenario = TestTree.provide(Effect.gen(function*() {
  const tree = yield* TestTree.start({
    id: "shop",
    strategy: "one_for_all",
    children: [
      Supervisor.child({ id: "till", run: Effect.never }),
      Supervisor.child({ id: "baker", run: Effect.never })
    ]
  })
  yield* tree.takeLog
  yield* tree.crash("shop/till")
  yield* Console.log((yield* tree.takeLog).join("\n"))
}))

await Effect.runPromise(Effect.gen(function*() {
  yield* scenario
  const fault = yield* Effect.flip(TreeCheck.check(store("one_for_one"), { seeds: 100 }))
  yield* Console.log(`\n${fault.message}\n`)
  const report = yield* TreeCheck.check(store("rest_for_one"), { seeds: 100 })
  yield* Console.log(`rest_for_one: ${report.seeds} seeds, ${report.faults} faults, nothing found`)
}))
