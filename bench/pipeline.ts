/**
 * Messages through a pipeline of 4 processors and a batcher of 100, against a bare `Stream.groupedWithin` over the same
 * messages, and the heap while millions pass. Handlers do nothing, so what is measured is the pipeline.
 *
 *   npm run bench -- pipeline [--messages 10000000]
 */
import { Effect, Stream } from "effect"
import { batcher, Pipeline, Producer } from "../src/services/pipeline/index.ts"
import type { Row } from "./Table.ts"

const chunk = 500
const batchSize = 100

/** A source without a cost of its own: fresh objects, in chunks of what was asked. */
const source = (total: number) => {
  let sent = 0
  return Stream.fromEffectRepeat(Effect.sync(() => {
    const size = Math.min(chunk, total - sent)
    const messages = Array.from({ length: size }, (_, index) => ({ id: sent + index }))
    sent += size
    return messages
  })).pipe(Stream.takeWhile((messages) => messages.length > 0), Stream.flattenIterable)
}

interface Message {
  readonly id: number
}

interface Measured {
  readonly perSecond: number
  readonly heapMegabytes: ReadonlyArray<number>
}

const measure = async (total: number, run: (tick: (size: number) => void) => Effect.Effect<unknown, unknown>) => {
  const heapMegabytes: Array<number> = []
  let seen = 0
  let nextSample = total / 10
  globalThis.gc?.()
  const startMillis = performance.now()
  let pausedMillis = 0
  await Effect.runPromise(run((size) => {
    seen += size
    if (seen < nextSample) return
    nextSample += total / 10
    const from = performance.now()
    globalThis.gc?.()
    heapMegabytes.push(Math.round(process.memoryUsage().heapUsed / 1e5) / 10)
    pausedMillis += performance.now() - from
  }))
  const seconds = (performance.now() - startMillis - pausedMillis) / 1000
  if (seen !== total) throw new Error(`${seen} of ${total} messages arrived`)
  return { perSecond: Math.round(total / seconds), heapMegabytes } satisfies Measured
}

const pipeline = (total: number, partitioned: boolean) => (tick: (size: number) => void) => {
  const rows = batcher<"rows", Message, never, never>("rows", { size: batchSize, handle: () => Effect.void })
  return Pipeline.run({
    name: "bench",
    producer: Producer.fromStream(source(total)),
    processors: { concurrency: 4 },
    ...(partitioned ? { partitionBy: ({ id }: Message) => id % 64 } : {}),
    inFlightMax: 2000,
    batchers: [rows],
    handle: (message) => Effect.succeed(rows.to(message)),
    acknowledge: ({ ok }) => Effect.sync(() => tick(ok.length))
  })
}

const bare = (total: number) => (tick: (size: number) => void) =>
  source(total).pipe(
    Stream.groupedWithin(batchSize, "1 second"),
    Stream.runForEach((batch) => Effect.sync(() => tick(batch.length)))
  )

const mapped = (total: number) => (tick: (size: number) => void) =>
  source(total).pipe(
    Stream.mapEffect((message) => Effect.succeed(message), { concurrency: 4 }),
    Stream.groupedWithin(batchSize, "1 second"),
    Stream.runForEach((batch) => Effect.sync(() => tick(batch.length)))
  )

export const run = async (
  options: ReadonlyMap<string, string>
): Promise<{ readonly rows: ReadonlyArray<Row>; readonly result: object }> => {
  const messages = Number(options.get("messages") ?? 10_000_000)
  const few = Math.min(messages, 1_000_000)
  await measure(few / 10, pipeline(few / 10, false))
  const whole = await measure(messages, pipeline(messages, false))
  const partitioned = await measure(few, pipeline(few, true))
  const grouped = await measure(few, bare(few))
  const concurrent = await measure(few / 10, mapped(few / 10))
  const first = whole.heapMegabytes[0] ?? 0
  const last = whole.heapMegabytes.at(-1) ?? 0
  return {
    rows: [
      { what: "pipeline, 4 processors, batches of 100", value: whole.perSecond, unit: "messages/s" },
      { what: "the same, partitioned by key", value: partitioned.perSecond, unit: "messages/s" },
      { what: "bare Stream.groupedWithin", value: grouped.perSecond, unit: "messages/s" },
      { what: "Stream.mapEffect (4) and groupedWithin", value: concurrent.perSecond, unit: "messages/s" },
      { what: "cost against bare groupedWithin", value: grouped.perSecond / whole.perSecond, unit: "times" },
      { what: `heap after 10 % of ${messages}`, value: first, unit: "MB" },
      { what: "heap at the end", value: last, unit: "MB" }
    ],
    result: {
      messages,
      messagesPerSecond: whole.perSecond,
      partitionedPerSecond: partitioned.perSecond,
      groupedWithinPerSecond: grouped.perSecond,
      mapEffectPerSecond: concurrent.perSecond,
      heapMegabytes: whole.heapMegabytes
    }
  }
}
