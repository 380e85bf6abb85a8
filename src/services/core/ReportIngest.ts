/**
 * Takes reports from pollers into the store.
 *
 * Success means stored: only then may a poller be told `received`. At most `concurrencyMax` reports are worked on at
 * once and `waitingMax` wait; more are turned away, so that a slow database makes pollers keep their reports instead of
 * filling our memory.
 */
import { Clock, Context, DateTime, Duration, Effect, Layer, Metric, Option, Schema, Semaphore } from "effect"
import type { PollerId } from "../../domain/monitoring/Ids.ts"
import type { ReceivedReport } from "../../domain/monitoring/reports/ReceivedReport.ts"
import * as StatusReport from "../../domain/monitoring/reports/StatusReport.ts"
import { EdgeActivations } from "../edge/EdgeActivations.ts"
import { Precedence } from "../queries/Precedence.ts"
import * as ReportObserver from "../telemetry/ReportObserver.ts"
import { DeviceDiscovery } from "./DeviceDiscovery.ts"
import { PollerWatch } from "./PollerWatch.ts"
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

/** What is looked at before others have their turn: a report may hold very many statuses, or very long ones. */
const sliceMax = { statuses: 256, bytes: 256 * 1024 }

const slicesOf = (statuses: ReceivedReport["services"]): ReadonlyArray<ReceivedReport["services"]> => {
  const slices: Array<ReceivedReport["services"]> = []
  let from = 0
  let bytes = 0
  statuses.forEach(({ message }, index) => {
    bytes += message.length
    if (index + 1 - from < sliceMax.statuses && bytes < sliceMax.bytes) return
    slices.push(statuses.slice(from, index + 1))
    from = index + 1
    bytes = 0
  })
  return from < statuses.length ? [...slices, statuses.slice(from)] : slices
}

/** One of these at a time: their slices together would keep a small one waiting. */
const isLarge = ({ services }: ReceivedReport): boolean => services.length > 4 * sliceMax.statuses

/** As `StatusReport.accept`, a slice at a time. */
const accept = Effect.fnUntraced(function*(received: ReceivedReport, receivedAt: DateTime.Utc) {
  const head = yield* Effect.fromResult(StatusReport.accept({ ...received, services: [] }, receivedAt))
  const statuses: Array<ReadonlyArray<StatusReport.ReportedStatus>> = []
  const rejected: Array<ReadonlyArray<StatusReport.RejectedStatus>> = []
  for (const services of slicesOf(received.services)) {
    const part = yield* Effect.fromResult(StatusReport.accept({ ...received, services }, receivedAt))
    statuses.push(part.report.statuses)
    rejected.push(part.rejected)
    if (services.length < received.services.length) yield* Effect.yieldNow
  }
  return {
    ...head,
    report: { ...head.report, statuses: statuses.flat() },
    rejected: rejected.flat()
  } satisfies StatusReport.Accepted
})

const make = Effect.fnUntraced(function*(options: IngestOptions) {
  const store = yield* StatusStore
  const watch = yield* Effect.serviceOption(PollerWatch)
  const discovery = yield* Effect.serviceOption(DeviceDiscovery)
  const activations = yield* Effect.serviceOption(EdgeActivations)
  const precedence = yield* Effect.serviceOption(Precedence)
  const concurrencyMax = options.concurrencyMax ?? 8
  const waitingMax = options.waitingMax ?? 256
  const limit = options.limit ?? Duration.seconds(20)
  const permits = yield* Semaphore.make(concurrencyMax)
  const largePermit = yield* Semaphore.make(1)
  let inside = 0

  const fail = (pollerId: string) => (reason: ReportIngestError["reason"]) =>
    new ReportIngestError({ pollerId: pollerId.slice(0, 256), reason })

  /** Large ones wait for each other first: waiting inside, they would leave no place for small ones. */
  const inTurn = <A, E, R>(received: ReceivedReport, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    isLarge(received) ? largePermit.withPermit(permits.withPermit(effect)) : permits.withPermit(effect)

  /** Counts those inside, waiting or working, and refuses the one too many. */
  const bounded = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | Overloaded, R> =>
    Effect.suspend((): Effect.Effect<A, E | Overloaded, R> => {
      if (inside >= concurrencyMax + waitingMax) return Effect.fail(new Overloaded({ waitingMax }))
      inside += 1
      return Effect.ensuring(effect, Effect.sync(() => inside -= 1))
    })

  const storeReport = Effect.fnUntraced(function*(received: ReceivedReport, receivedAt: DateTime.Utc) {
    const accepted = yield* accept(received, receivedAt)
    yield* noteDefects(accepted)
    const { report } = accepted
    if (options.knownPollers !== undefined && !options.knownPollers.has(report.pollerId)) {
      yield* Effect.logWarning(`Report of unknown poller ${report.pollerId} dropped: not among known_pollers`)
      return yield* count(reports, "outcome", "unknown_poller")
    }
    const settled = Option.isSome(watch) ? watch.value.settled(report.pollerId) : Effect.void
    const appended = yield* Effect.andThen(settled, store.append(report, receivedAt)).pipe(
      Effect.mapError((error: StatusStoreError) => error.reason),
      Effect.timeoutOrElse({
        duration: limit,
        orElse: () => Effect.fail(new StoreUnavailable({ detail: `not stored within ${Duration.format(limit)}` }))
      })
    )
    yield* count(reports, "outcome", "stored")
    yield* count(statuses, "outcome", "stored", appended.stored)
    yield* count(statuses, "outcome", "repeated", appended.repeated)
    if (Option.isSome(watch)) yield* watch.value.seen(report, appended.poller)
    if (Option.isSome(discovery)) yield* discovery.value.offer(report)
    if (Option.isSome(activations)) yield* activations.value.offer({ report, peer: received.peer })
    yield* ReportObserver.tell({
      report,
      changes: appended.changes,
      receivedAtMillis: DateTime.toEpochMillis(receivedAt)
    })
  })

  return ReportIngest.of({
    ingest: Effect.fn("ReportIngest.ingest")(function*(received) {
      const receivedAt = yield* DateTime.now
      const startedNanos = yield* Clock.monotonicTimeNanos
      if (Option.isSome(watch)) yield* watch.value.heard(received.pollerId)
      const store = inTurn(received, storeReport(received, receivedAt))
      yield* (Option.isSome(precedence) ? precedence.value.around(bounded(store)) : bounded(store)).pipe(
        Effect.mapError(fail(received.pollerId)),
        Effect.tapError((error) => count(reports, "outcome", error.reason._tag)),
        Effect.ensuring(
          Effect.flatMap(Clock.monotonicTimeNanos, (now) => Metric.update(seconds, Number(now - startedNanos) / 1e9))
        )
      )
    })
  })
})
