/** The metrics of pipelines, labelled with the pipeline's name. Updated once per settled chunk or batch. */
import { Effect, Metric } from "effect"
import type { BatchTrigger } from "../../../domain/pipeline/BatchAccumulation.ts"
import type { Tally } from "../../../domain/pipeline/PipelineEvent.ts"

const messages = Metric.counter("pipeline_messages_total", {
  description: "Messages that got their outcome: ok, failed or crashed",
  incremental: true
})

const stalls = Metric.counter("pipeline_stalls_total", {
  description: "Times that messages were in flight and none was settled for the stall limit",
  incremental: true
})

const unacknowledged = Metric.counter("pipeline_unacknowledged_messages_total", {
  description: "Messages whose acknowledger failed or was too slow; the source may bring them again",
  incremental: true
})

const producerFailures = Metric.counter("pipeline_producer_failures_total", {
  description: "Times that a producer failed and was connected anew",
  incremental: true
})

const batches = Metric.counter("pipeline_batches_total", {
  description: "Batches handed to their handler, by what closed them",
  incremental: true
})

const batchSizes = Metric.histogram("pipeline_batch_size", {
  description: "Messages per batch",
  boundaries: Metric.exponentialBoundaries({ start: 1, factor: 2, count: 14 })
})

export interface PipelineMetrics {
  readonly batched: (batcher: string, trigger: BatchTrigger, size: number) => Effect.Effect<void>
  readonly settled: (tally: Tally) => Effect.Effect<void>
  readonly acknowledgeFailed: (messages: number) => Effect.Effect<void>
  readonly producerFailed: Effect.Effect<void>
  readonly stalled: Effect.Effect<void>
}

export const make = (pipeline: string): PipelineMetrics => {
  const outcome = (name: string) => Metric.withAttributes(messages, { pipeline, outcome: name })
  const ok = outcome("ok")
  const failed = outcome("failed")
  const crashed = outcome("crashed")
  return {
    batched: (batcher, trigger, size) =>
      Metric.update(Metric.withAttributes(batches, { pipeline, batcher, trigger }), 1).pipe(
        Effect.andThen(Metric.update(Metric.withAttributes(batchSizes, { pipeline, batcher }), size))
      ),
    settled: (tally) =>
      Effect.contextWith((context) => {
        if (tally.ok > 0) ok.updateUnsafe(tally.ok, context)
        if (tally.failed > 0) failed.updateUnsafe(tally.failed, context)
        if (tally.crashed > 0) crashed.updateUnsafe(tally.crashed, context)
        return Effect.void
      }),
    acknowledgeFailed: (messages) => Metric.update(Metric.withAttributes(unacknowledged, { pipeline }), messages),
    producerFailed: Metric.update(Metric.withAttributes(producerFailures, { pipeline }), 1),
    stalled: Metric.update(Metric.withAttributes(stalls, { pipeline }), 1)
  }
}
