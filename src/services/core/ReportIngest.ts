/**
 * Takes reports from pollers into the store.
 *
 * Success means stored: only then may a poller be told `received`. At most `concurrencyMax` reports are worked on at
 * once and `waitingMax` wait; more are turned away, so that a slow database makes pollers keep their reports instead of
 * filling our memory.
 */
import { Clock, Context, DateTime, Duration, Effect, Layer, Metric, Schema, Semaphore } from "effect"
import type { PollerId } from "../../domain/monitoring/Ids.ts"
import type { ReceivedReport } from "../../domain/monitoring/reports/ReceivedReport.ts"
import * as StatusReport from "../../domain/monitoring/reports/StatusReport.ts"
import * as ReportObserver from "../telemetry/ReportObserver.ts"
import { StatusStore, type StatusStoreError, StoreRefused, StoreUnavailable } from "./StatusStore.ts"

/** More reports wait than may. */
export class Overloaded extends Schema.TaggedError<Overloaded>()("Overloaded", {
  waitingMax: Schema.Int
}) {}

/** Nothing of the report was stored. */
export class ReportIngestError extends Schema.TaggedError<ReportIngestError>()("ReportIngestError", {
  pollerId: Schema.String,
  reason: Schema.Union([StatusReport.InvalidPollerId, Overloaded, StoreUnavailable, StoreRefused])
}) {
  override get message(): string {
    const { pollerId, reason } = this
    switch (reason._tag) {
      case "InvalidPollerId":
        return reason.message
      case "Overloaded":
        return `Report of ${pollerId} turned away: ${reason.waitingMax} reports wait already`
      default:
        return `Report of ${pollerId} not stored: ${reason.detail}`
    }
  }
}

export interface IngestOptions {
  readonly concurrencyMax?: number
  readonly waitingMax?: number
  /** A report not stored by then counts as failed. Default 20 s. */
  readonly limit?: Duration.Duration
  /** When given, reports of other pollers are acknowledged and dropped, as peers expect. */
  readonly knownPollers?: ReadonlySet<PollerId>
}

export class ReportIngest extends Context.Service<ReportIngest, {
  readonly ingest: (report: ReceivedReport) => Effect.Effect<void, ReportIngestError>
}>()("serviceradar/services/core/ReportIngest") {
  static readonly layer = (options: IngestOptions = {}) => Layer.effect(ReportIngest, make(options))
}

const reports = Metric.counter("core_reports_total", { description: "Reports by outcome", incremental: true })
const statuses = Metric.counter("core_statuses_total", { description: "Statuses by outcome", incremental: true })
const warnings = Metric.counter("core_report_warnings_total", {
  description: "Reports that lacked something, by what",
  incremental: true
})
const seconds = Metric.histogram("core_report_ingest_duration_seconds", {
  description: "Time from a report's arrival to its commit",
  boundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20]
})

const count = (metric: Metric.Counter<number>, label: string, value: string, amount = 1) =>
  amount === 0 ? Effect.void : Metric.update(Metric.withAttributes(metric, { [label]: value }), amount)

const noteDefects = Effect.fnUntraced(function*({ omissions, rejected, report }: StatusReport.Accepted) {
  for (const omission of omissions) {
    yield* count(warnings, "missing", omission)
    yield* Effect.logDebug(`Report of ${report.pollerId} names no ${omission}`)
  }
  yield* count(statuses, "outcome", "rejected", rejected.length)
  const [first] = rejected
  if (first !== undefined) {
    yield* Effect.logWarning(
      `Report of ${report.pollerId}: ${rejected.length} statuses rejected, first ${first.serviceType} ` +
        `${JSON.stringify(first.serviceName.slice(0, 64))}: ${first.reason}`
    )
  }
})

const make = Effect.fnUntraced(function*(options: IngestOptions) {
  const store = yield* StatusStore
  const concurrencyMax = options.concurrencyMax ?? 8
  const waitingMax = options.waitingMax ?? 256
  const limit = options.limit ?? Duration.seconds(20)
  const permits = yield* Semaphore.make(concurrencyMax)
  let inside = 0

  const fail = (pollerId: string) => (reason: ReportIngestError["reason"]) =>
    new ReportIngestError({ pollerId: pollerId.slice(0, 256), reason })

  /** Counts those inside, waiting or working, and refuses the one too many. */
  const bounded = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | Overloaded, R> =>
    Effect.suspend((): Effect.Effect<A, E | Overloaded, R> => {
      if (inside >= concurrencyMax + waitingMax) return Effect.fail(new Overloaded({ waitingMax }))
      inside += 1
      return Effect.ensuring(permits.withPermits(1)(effect), Effect.sync(() => inside -= 1))
    })

  const storeReport = Effect.fnUntraced(function*(received: ReceivedReport, receivedAt: DateTime.Utc) {
    const accepted = yield* Effect.fromResult(StatusReport.accept(received, receivedAt))
    yield* noteDefects(accepted)
    const { report } = accepted
    if (options.knownPollers !== undefined && !options.knownPollers.has(report.pollerId)) {
      yield* Effect.logWarning(`Report of unknown poller ${report.pollerId} dropped: not among known_pollers`)
      return yield* count(reports, "outcome", "unknown_poller")
    }
    const appended = yield* store.append(report, receivedAt).pipe(
      Effect.mapError((error: StatusStoreError) => error.reason),
      Effect.timeoutOrElse({
        duration: limit,
        orElse: () => Effect.fail(new StoreUnavailable({ detail: `not stored within ${Duration.format(limit)}` }))
      })
    )
    yield* count(reports, "outcome", "stored")
    yield* count(statuses, "outcome", "stored", appended.stored)
    yield* count(statuses, "outcome", "repeated", appended.repeated)
    yield* ReportObserver.tell({
      report,
      changes: appended.changes,
      receivedAtMillis: DateTime.toEpochMillis(receivedAt)
    })
  })

  return ReportIngest.of({
    ingest: Effect.fn("ReportIngest.ingest")(function*(received) {
      const receivedAt = yield* DateTime.now
      const startedAt = yield* Clock.currentTimeMillis
      yield* bounded(storeReport(received, receivedAt)).pipe(
        Effect.mapError(fail(received.pollerId)),
        Effect.tapError((error) => count(reports, "outcome", error.reason._tag)),
        Effect.ensuring(
          Effect.flatMap(Clock.currentTimeMillis, (now) => Metric.update(seconds, (now - startedAt) / 1_000))
        )
      )
    })
  })
})
