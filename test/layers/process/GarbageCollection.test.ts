import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Metric } from "effect"
import { TestClock } from "effect/testing"
import { vi } from "vitest"
import * as GarbageCollection from "../../../src/layers/process/GarbageCollection.ts"
import * as ProcessMetrics from "../../../src/layers/telemetry/ProcessMetrics.ts"

/** As it is when the process has no file left to open. */
const withoutFiles = Effect.acquireRelease(
  Effect.sync(() => {
    const fail = (): never => {
      throw new Error("EMFILE: too many open files, uv_resident_set_memory")
    }
    const usage = vi.spyOn(process, "memoryUsage").mockImplementation(fail)
    process.memoryUsage.rss = fail
    return usage
  }),
  (usage) => Effect.sync(() => usage.mockRestore())
)

describe("What looks at this process's memory", () => {
  it.effect("goes on where no file can be opened", () =>
    Effect.gen(function*() {
      const { gc } = globalThis
      yield* Effect.acquireRelease(
        Effect.sync(() => void (globalThis.gc = () => Promise.resolve())),
        () => Effect.sync(() => void (globalThis.gc = gc))
      )
      yield* withoutFiles

      const metrics = yield* Effect.forkChild(ProcessMetrics.keep, { startImmediately: true })
      const keeping = yield* Effect.forkChild(GarbageCollection.keep, { startImmediately: true })
      yield* TestClock.adjust("10 minutes")

      assert.isUndefined(metrics.pollUnsafe())
      assert.isUndefined(keeping.pollUnsafe())
      yield* Fiber.interruptAll([metrics, keeping])
    }).pipe(Effect.scoped, Effect.provideService(Metric.MetricRegistry, new Map())))
})
