import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as BatchWriter from "../../../examples/batch-writer.ts"
import * as WorkerPool from "../../../examples/worker-pool.ts"

describe("pipeline examples", () => {
  it.live("the batch writer stores each message once, redelivering what met a database away", () =>
    Effect.gen(function*() {
      const { nakked, ...rest } = yield* BatchWriter.program

      assert.deepStrictEqual(rest, { acked: 250, termed: 1, cpu: 125, memory: 125 })
      assert.isAtLeast(nakked, 1)
    }))

  it.live("the worker pool gives each address one outcome", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* WorkerPool.program, { reachable: 89, unreachable: 10, broken: 1 })
    }))
})
