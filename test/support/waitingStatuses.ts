/** A buffer of statuses in a real folder, as a process has it. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Effect, Fiber, Layer, Logger, Metric, Option, Schedule } from "effect"
import * as DiskStatusBuffer from "../../src/layers/poller/buffer/DiskStatusBuffer.ts"
import * as NodeSegmentFiles from "../../src/layers/poller/buffer/NodeSegmentFiles.ts"
import { StatusBuffer } from "../../src/services/poller/buffer/StatusBuffer.ts"

export type Options = Omit<DiskStatusBuffer.Options, "files">

/** Runs the test beside the buffer's own work, and gives back what was logged too. */
export const withFolder = <A, E>(
  folder: string,
  test: (lines: ReadonlyArray<string>) => Effect.Effect<A, E, StatusBuffer>,
  options: Options = {}
) =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const logger = Logger.make<unknown, void>(({ message }) => void lines.push(String(message)))
    return Effect.gen(function*() {
      const { isReady, run } = yield* StatusBuffer
      const work = yield* Effect.forkChild(run, { startImmediately: true })
      yield* isReady
      return yield* Effect.ensuring(test(lines), Fiber.interrupt(work))
    }).pipe(
      Effect.provide(
        Layer.fresh(Layer.unwrap(
          Effect.map(NodeSegmentFiles.make(folder), (files) => DiskStatusBuffer.layer({ files, ...options }))
        )).pipe(Layer.provide(NodeFileSystem.layer), Layer.provideMerge(Logger.layer([logger])))
      ),
      Effect.provideService(Metric.MetricRegistry, new Map())
    )
  })

/** Waits for what the buffer says of its folder; fails after 20 s. */
export const troubleIs = (pattern: RegExp | undefined) =>
  Effect.gen(function*() {
    const { trouble } = yield* StatusBuffer
    const now = Option.getOrElse(yield* trouble, () => "")
    const isSo = pattern === undefined ? now === "" : pattern.test(now)
    return isSo ? now : yield* Effect.fail(`the buffer says ${JSON.stringify(now)}`)
  }).pipe(Effect.retry(Schedule.spaced("20 millis")), Effect.timeout("20 seconds"))
