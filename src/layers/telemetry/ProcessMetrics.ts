/**
 * What this process takes of its machine, as metrics: memory, processor time, and how late its event loop is.
 *
 * Read every 15 s, which is as often as anybody looks.
 */
import { Effect, Metric, Option, Schedule } from "effect"
import { monitorEventLoopDelay } from "node:perf_hooks"
import * as v8 from "node:v8"

const readEvery = "15 seconds"
/** The histogram looks once in so many milliseconds, and counts what it is late beyond them. */
const resolutionMillis = 50

const gauge = (name: string, description: string) => Metric.gauge(name, { description })

const residentBytes = gauge("process_resident_memory_bytes", "Memory of this process")
const heapBytes = gauge("process_heap_used_bytes", "Memory in use for JavaScript's objects")
const cpuSeconds = Metric.counter("process_cpu_seconds_total", {
  description: "Processor time of this process",
  incremental: true
})
const loopLagSeconds = gauge(
  "process_event_loop_lag_seconds",
  "How late timers were, 99 of 100 no later, over the last 15 s"
)

/** Keeps the metrics up to date until interrupted; for a supervisor. */
export const keep: Effect.Effect<never> = Effect.gen(function*() {
  const delays = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const histogram = monitorEventLoopDelay({ resolution: resolutionMillis })
      histogram.enable()
      return histogram
    }),
    (histogram) => Effect.sync(() => histogram.disable())
  )
  let counted = 0
  const read = Effect.gen(function*() {
    // A file is opened for it: where there are none left, it stays as it was.
    const rss = yield* Effect.option(Effect.try({ try: () => process.memoryUsage.rss(), catch: (cause) => cause }))
    const { system, user } = process.cpuUsage()
    const seconds = (system + user) / 1e6
    if (Option.isSome(rss)) yield* Metric.update(residentBytes, rss.value)
    yield* Metric.update(heapBytes, v8.getHeapStatistics().used_heap_size)
    yield* Metric.update(cpuSeconds, seconds - counted)
    counted = seconds
    const lateNanos = delays.count === 0 ? 0 : Math.max(0, delays.percentile(99) - resolutionMillis * 1e6)
    yield* Metric.update(loopLagSeconds, lateNanos / 1e9)
    delays.reset()
  })
  return yield* Effect.andThen(Effect.repeat(read, Schedule.spaced(readEvery)), Effect.never)
}).pipe(Effect.scoped)
