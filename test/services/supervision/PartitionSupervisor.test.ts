import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as PartitionSupervisor from "../../../src/services/supervision/PartitionSupervisor.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import { it } from "./fixtures/Leaks.ts"
import { settle } from "./fixtures/Trace.ts"

interface Counter {
  readonly partition: number
  readonly life: number
  readonly crash: Effect.Effect<unknown>
}

/** Partitions under a root, each of which says how often it was started. */
const counters = (partitions: number) =>
  Effect.gen(function*() {
    const lives = new Map<number, number>()
    const supervisor = yield* PartitionSupervisor.make({
      id: "counters",
      partitions,
      start: (partition) =>
        Effect.sync(() => {
          const life = (lives.get(partition) ?? 0) + 1
          lives.set(partition, life)
          const end = Deferred.makeUnsafe<never, "crashed">()
          const handle: Counter = { partition, life, crash: Deferred.fail(end, "crashed" as const) }
          return { handle, run: Deferred.await(end) }
        })
    })
    const root = yield* Supervisor.start({ id: "root", strategy: "one_for_one", children: [supervisor] })
    return { supervisor, root }
  })

describe("PartitionSupervisor", () => {
  it.effect("81 leads a key to its partition, before and after that partition restarts", () =>
    Effect.gen(function*() {
      const { supervisor } = yield* counters(3)
      const first = yield* supervisor.get(5)

      yield* first.crash
      yield* settle
      const second = yield* supervisor.get(5)

      assert.deepStrictEqual([first.partition, first.life], [2, 1])
      assert.deepStrictEqual([second.partition, second.life], [2, 2])
      assert.strictEqual((yield* supervisor.get(4)).life, 1)
    }))

  it.effect("81 refuses to resize to zero, above what it was declared with, or to a fraction", () =>
    Effect.gen(function*() {
      const { supervisor } = yield* counters(3)

      for (const partitions of [0, -1, 4, 1.5, Number.NaN]) {
        const error = yield* Effect.flip(supervisor.resize(partitions))
        assert.deepStrictEqual(
          error,
          new PartitionSupervisor.PartitionsRefused({ supervisor: "counters", partitions, partitionsMax: 3 })
        )
      }
      assert.strictEqual(yield* supervisor.partitions, 3)
    }))

  it.effect("stops the highest partitions when it shrinks and starts them again when it grows", () =>
    Effect.gen(function*() {
      const { root, supervisor } = yield* counters(3)

      yield* supervisor.resize(1)
      const shrunk = yield* supervisor.get(5)
      yield* supervisor.resize(3)
      const grown = yield* supervisor.get(5)

      assert.deepStrictEqual([shrunk.partition, shrunk.life], [0, 1])
      assert.deepStrictEqual([grown.partition, grown.life], [2, 2])
      const [node] = (yield* root.tree).children
      assert.deepStrictEqual(node?.children.map(({ path, state }) => `${path} ${state}`), [
        "root/counters/0 running",
        "root/counters/1 running",
        "root/counters/2 running"
      ])
    }))

  it.effect("says that a partition is down while nothing runs it", () =>
    Effect.gen(function*() {
      const { root, supervisor } = yield* counters(2)

      yield* root.stop

      assert.deepStrictEqual(
        yield* Effect.flip(supervisor.get(3)),
        new PartitionSupervisor.PartitionDown({ supervisor: "counters", partition: 1 })
      )
      assert.strictEqual((yield* Effect.flip(supervisor.resize(1)))._tag, "SupervisorGone")
    }))

  it.effect("refuses to be declared without partitions", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(counters(0))

      assert.strictEqual(error._tag, "PartitionsRefused")
    }))

  it.effect("counts and lists its partitions in their order, those without life included", () =>
    Effect.gen(function*() {
      const { root, supervisor } = yield* counters(3)
      assert.deepStrictEqual(yield* supervisor.countChildren, { specs: 3, active: 3, supervisors: 0, workers: 3 })

      yield* supervisor.resize(2)
      const { crash } = yield* supervisor.get(1)
      yield* crash
      yield* settle

      assert.deepStrictEqual(yield* supervisor.countChildren, { specs: 3, active: 2, supervisors: 0, workers: 3 })
      assert.deepStrictEqual((yield* supervisor.whichChildren).map(({ id, status }) => `${id} ${status}`), [
        "0 running",
        "1 running",
        "2 stopped"
      ])
      yield* root.stop
      assert.strictEqual((yield* Effect.flip(supervisor.countChildren))._tag, "SupervisorGone")
      assert.strictEqual((yield* Effect.flip(supervisor.whichChildren))._tag, "SupervisorGone")
    }))
})
