/** The metrics of pipelines, labelled with the pipeline's name. Updated once per settled chunk or batch. */
import { Effect, Metric } from "effect"
import type { Tally } from "../../domain/pipeline/PipelineEvent.ts"

const messages = Metric.counter("pipeline_messages_total", {
  description: "Messages that got their outcome: ok, failed or crashed",
  incremental: true
})

const stalls = Metric.counter("pipeline_stalls_total", {
  description: "Times that messages were in flight and none was settled for the stall limit",
  incremental: true
})

export interface PipelineMetrics {
  readonly settled: (tally: Tally) => Effect.Effect<void>
  readonly stalled: Effect.Effect<void>
}

export const make = (pipeline: string): PipelineMetrics => {
  const outcome = (name: string) => Metric.withAttributes(messages, { pipeline, outcome: name })
  const ok = outcome("ok")
  const failed = outcome("failed")
  const crashed = outcome("crashed")
  return {
    settled: (tally) =>
      Effect.contextWith((context) => {
        if (tally.ok > 0) ok.updateUnsafe(tally.ok, context)
        if (tally.failed > 0) failed.updateUnsafe(tally.failed, context)
        if (tally.crashed > 0) crashed.updateUnsafe(tally.crashed, context)
        return Effect.void
      }),
    stalled: Metric.update(Metric.withAttributes(stalls, { pipeline }), 1)
  }
}
