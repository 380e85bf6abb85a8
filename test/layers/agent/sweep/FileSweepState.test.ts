import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import * as FileSweepState from "../../../../src/layers/agent/sweep/FileSweepState.ts"
import { SweepState } from "../../../../src/services/agent/sweep/SweepState.ts"

const block = (at: number) => ({
  block: at,
  at: 1000 + at,
  open: [[1, 22, 500] as const],
  pings: [[1, 700, 0] as const]
})

const using = <A, E>(folder: string, use: (state: SweepState["Service"]) => Effect.Effect<A, E>) =>
  SweepState.use(use).pipe(Effect.provide(FileSweepState.layer(folder)))

const folder = FileSystem.FileSystem.use((files) => files.makeTempDirectoryScoped({ prefix: "serviceradar-sweep-" }))

describe("FileSweepState", () => {
  it.live("gives back what it was given, of the same plan only", () =>
    Effect.gen(function*() {
      const place = yield* folder
      yield* using(place, (state) =>
        Effect.gen(function*() {
          yield* state.begin("plan", false)
          yield* state.add(block(0))
          yield* state.complete(7)
          yield* state.begin("plan", false)
          yield* state.add(block(1))
        }))

      const kept = yield* using(place, (state) => state.load("plan"))
      const other = yield* using(place, (state) => state.load("another"))

      assert.deepStrictEqual(kept, { sequence: 7, completed: [block(0)], interrupted: [block(1)], unreadable: [] })
      assert.deepStrictEqual(other, { sequence: 7, completed: [], interrupted: [], unreadable: [] })
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("passes over a line that was not written to its end, and goes on after it", () =>
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const place = yield* folder
      yield* using(place, (state) => Effect.andThen(state.begin("plan", false), state.add(block(0))))
      yield* files.writeFileString(`${place}/running.jsonl`, "{\"block\":1,\"at\":10", { flag: "a" })

      const kept = yield* using(place, (state) =>
        Effect.gen(function*() {
          yield* state.begin("plan", true)
          yield* state.add(block(2))
          yield* state.add(block(3))
          return yield* state.load("plan")
        }))

      assert.deepStrictEqual(kept.interrupted.map((one) => one.block), [0, 2, 3])
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("takes a file that is none of its own for nothing", () =>
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const place = yield* folder
      yield* files.writeFileString(`${place}/running.jsonl`, "\u0000\u0001 no json\n{}\n")

      const kept = yield* using(place, (state) => state.load("plan"))

      assert.deepStrictEqual(kept, {
        sequence: undefined,
        completed: [],
        interrupted: [],
        unreadable: [`${place}/running.jsonl is none of a sweep: it begins anew`]
      })
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("says of the last sweep when its file is cut off, or is something else", () =>
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const place = yield* folder
      const file = `${place}/last.jsonl`
      yield* using(place, (state) =>
        Effect.gen(function*() {
          yield* state.begin("plan", false)
          yield* state.add(block(0))
          yield* state.add(block(1))
          yield* state.complete(7)
        }))
      const whole = yield* files.readFileString(file)
      const broken = [whole.slice(0, whole.length / 2), `${whole.slice(0, whole.length / 2)}\u0007garbage`, "", "{}"]

      const kept = yield* Effect.forEach(broken, (text) =>
        Effect.andThen(files.writeFileString(file, text), using(place, (state) => state.load("plan"))))

      for (const one of kept) {
        assert.deepStrictEqual(one, {
          sequence: undefined,
          completed: [],
          interrupted: [],
          unreadable: [`${file} is no whole sweep: what it had found is lost`]
        })
      }
    }).pipe(Effect.provide(NodeServices.layer)))
})
