/** The sync service's metrics. Sources are few and named by the operator, so they may be labels. */
import { Effect, Metric } from "effect"
import type { RejectionReason } from "./DeviceSource.ts"

const runs = Metric.counter("sync_runs_total", {
  description: "Runs by outcome: committed, unchanged, held, failed, superseded",
  incremental: true
})

const failures = Metric.counter("sync_run_failures_total", {
  description: "Runs that did not bring all devices, by reason",
  incremental: true
})

const pages = Metric.counter("sync_pages_total", { description: "Pages taken from a source", incremental: true })

const devices = Metric.counter("sync_devices_received_total", {
  description: "Devices taken from a source, repetitions included",
  incremental: true
})

const rejections = Metric.counter("sync_devices_rejected_total", {
  description: "Elements that were no usable device, by reason",
  incremental: true
})

const runSeconds = Metric.histogram("sync_run_duration_seconds", {
  description: "From the first request of a run to its outcome",
  boundaries: Metric.exponentialBoundaries({ start: 0.1, factor: 2, count: 16 })
})

const stale = Metric.gauge("sync_source_stale", {
  description: "1 while a source serves an older run because its newer ones failed or are held"
})

const generationDevices = Metric.gauge("sync_source_devices", { description: "Devices of a source's last good run" })

const served = Metric.gauge("sync_served_devices", { description: "Devices in the served set" })

const retracted = Metric.gauge("sync_served_retractions", {
  description: "Devices that a source no longer has and that the served set retracts"
})

const sequence = Metric.gauge("sync_served_sequence", { description: "Number of the served set" })

const kvWrites = Metric.counter("sync_kv_writes_total", {
  description:
    "Decisions about agents' sweep configs: written, unchanged, kept_empty, kept_incomplete, kept_too_large, failed",
  incremental: true
})

const kvBytes = Metric.counter("sync_kv_bytes_total", {
  description: "Bytes sent to the key-value store",
  incremental: true
})

const written = Metric.counter("sync_written_back_total", {
  description: "Values of devices given back to a source: written, refused",
  incremental: true
})

export const writtenBack = (source: string, outcome: "written" | "refused", count: number): Effect.Effect<void> =>
  count === 0 ? Effect.void : Metric.update(Metric.withAttributes(written, { source, outcome }), count)

export type KvWriteStatus = "written" | "unchanged" | "kept_empty" | "kept_incomplete" | "kept_too_large" | "failed"
export type RunStatus = "committed" | "held" | "failed" | "superseded"

export const retractions = (source: string, count: number): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(retracted, { source }), count)

export const page = (source: string, count: number): Effect.Effect<void> =>
  Effect.andThen(
    Metric.update(Metric.withAttributes(pages, { source }), 1),
    Metric.update(Metric.withAttributes(devices, { source }), count)
  )

export const rejected = (source: string, reason: RejectionReason): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(rejections, { source, reason }), 1)

export const ended = (source: string, status: RunStatus, seconds: number): Effect.Effect<void> =>
  Effect.andThen(
    Metric.update(Metric.withAttributes(runs, { source, outcome: status }), 1),
    Metric.update(Metric.withAttributes(runSeconds, { source }), seconds)
  )

export const failed = (source: string, reason: string): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(failures, { source, reason }), 1)

export const sourceState = (source: string, count: number, isStale: boolean): Effect.Effect<void> =>
  Effect.andThen(
    Metric.update(Metric.withAttributes(generationDevices, { source }), count),
    Metric.update(Metric.withAttributes(stale, { source }), isStale ? 1 : 0)
  )

export const servedSet = (count: number, number: number): Effect.Effect<void> =>
  Effect.andThen(Metric.update(served, count), Metric.update(sequence, number))

export const kv = (status: KvWriteStatus, bytes: number): Effect.Effect<void> =>
  Effect.andThen(
    Metric.update(Metric.withAttributes(kvWrites, { outcome: status }), 1),
    bytes === 0 ? Effect.void : Metric.update(kvBytes, bytes)
  )
