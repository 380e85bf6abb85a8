/** The event writer's metrics, labelled by logical stream. Updated once per batch, never per message. */
import { Effect, Metric } from "effect"
import type { StreamLag } from "../../domain/events/reporting/StreamLag.ts"
import type { StreamName } from "../../domain/events/stream/Streams.ts"

const messages = Metric.counter("event_writer_messages_total", {
  description: "Deliveries by what became of them: stored, dead_lettered, retried",
  incremental: true
})

const failures = Metric.counter("event_writer_message_failed_total", {
  description: "Deliveries that were not stored, by the step that refused them and why",
  incremental: true
})

const rows = Metric.counter("event_writer_rows_total", {
  description: "Rows written: inserted, or repeated because a redelivered message's rows were there already",
  incremental: true
})

const batchSeconds = Metric.histogram("event_writer_batch_duration_seconds", {
  description: "From a full batch to its commit, outages included",
  boundaries: Metric.exponentialBoundaries({ start: 0.001, factor: 2, count: 16 })
})

const latencySeconds = Metric.histogram("event_writer_latency_seconds", {
  description: "From a message's storage in the stream to the commit of its rows; the slowest message of each batch",
  boundaries: Metric.exponentialBoundaries({ start: 0.005, factor: 2, count: 18 })
})

const lagMessages = Metric.gauge("event_writer_lag_messages", {
  description: "Messages that wait: pending (not fetched) or ack_pending (fetched by some writer, not settled)"
})

const oldestSeconds = Metric.gauge("event_writer_lag_oldest_age_seconds", {
  description: "Age of the oldest message that waits; 0 when none does"
})

const stalled = Metric.gauge("event_writer_stalled", {
  description: "1 while messages wait and none is settled"
})

export type Settlement = "stored" | "dead_lettered" | "retried"

export interface WriterMetrics {
  readonly settled: (settlement: Settlement, count: number) => Effect.Effect<void>
  readonly failed: (processor: string, reason: string, count: number) => Effect.Effect<void>
  readonly batch: (
    done: { readonly inserted: number; readonly repeated: number; readonly seconds: number; readonly latency: number }
  ) => Effect.Effect<void>
  readonly lag: (lag: StreamLag, nowMillis: number, isStalled: boolean) => Effect.Effect<void>
}

export const make = (stream: StreamName): WriterMetrics => {
  const settledAs = (name: Settlement) => Metric.withAttributes(messages, { stream, outcome: name })
  const bySettlement = {
    stored: settledAs("stored"),
    dead_lettered: settledAs("dead_lettered"),
    retried: settledAs("retried")
  } satisfies Record<Settlement, unknown>
  const inserted = Metric.withAttributes(rows, { stream, outcome: "inserted" })
  const repeated = Metric.withAttributes(rows, { stream, outcome: "repeated" })
  const duration = Metric.withAttributes(batchSeconds, { stream })
  const latency = Metric.withAttributes(latencySeconds, { stream })
  const pending = Metric.withAttributes(lagMessages, { stream, state: "pending" })
  const ackPending = Metric.withAttributes(lagMessages, { stream, state: "ack_pending" })
  const oldest = Metric.withAttributes(oldestSeconds, { stream })
  const isStalledGauge = Metric.withAttributes(stalled, { stream })
  return {
    settled: (name, count) => count === 0 ? Effect.void : Metric.update(bySettlement[name], count),
    failed: (processor, reason, count) =>
      Metric.update(Metric.withAttributes(failures, { stream, processor, reason }), count),
    batch: (done) =>
      Effect.contextWith((context) => {
        inserted.updateUnsafe(done.inserted, context)
        repeated.updateUnsafe(done.repeated, context)
        duration.updateUnsafe(done.seconds, context)
        latency.updateUnsafe(done.latency, context)
        return Effect.void
      }),
    lag: (lag, nowMillis, isStalled) =>
      Effect.contextWith((context) => {
        pending.updateUnsafe(lag.pending, context)
        ackPending.updateUnsafe(lag.ackPending, context)
        const age = lag.oldestMillis === undefined ? 0 : Math.max(0, nowMillis - lag.oldestMillis) / 1000
        oldest.updateUnsafe(age, context)
        isStalledGauge.updateUnsafe(isStalled ? 1 : 0, context)
        return Effect.void
      })
  }
}
