/**
 * Brings statuses to core: batched, in order, at least once.
 *
 * A batch goes when it is full, when its oldest status has waited long enough, or at once when a status is urgent (a
 * service came up or went down). While core is away statuses wait in a bounded buffer; when that is full the oldest go
 * and are counted. The buffer outlives the fiber that sends: a restarted reporter goes on with the same batch.
 */
import { Clock, Context, Duration, Effect, Latch, Layer, Metric, type Option } from "effect"
import type { Partition, PollerId } from "../../domain/monitoring/Ids.ts"
import * as ReportBatch from "../../domain/monitoring/reports/ReportBatch.ts"
import * as ReportBuffer from "../../domain/monitoring/reports/ReportBuffer.ts"
import type { ServiceStatus } from "../../domain/monitoring/reports/ServiceStatus.ts"
import type { ReportHeader } from "./CoreClient.ts"
import { HostIdentity } from "./HostIdentity.ts"
import * as PollerMetrics from "./PollerMetrics.ts"
import * as ReportDelivery from "./ReportDelivery.ts"

export interface Report {
  readonly status: ServiceStatus
  readonly measuredAtMillis: number
  /** Sent without waiting for a batch to fill. */
  readonly isUrgent: boolean
  /** Called once: core has it (`true`), or it was given up (`false`). */
  readonly settled: (isDelivered: boolean) => Effect.Effect<void>
}

export interface Options {
  readonly pollerId: PollerId
  readonly partition: Partition
  /** 100 unless told. */
  readonly batchSizeMax?: number
  /** 5 s unless told. */
  readonly batchWait?: Duration.Input
  /** An empty report after this long without any, so that core knows the poller lives. */
  readonly heartbeatInterval: Duration.Duration
  /** Statuses kept while core is away. 10,000 unless told. */
  readonly bufferSizeMax?: number
  /** 64 MiB unless told. */
  readonly bufferBytesMax?: number
}

const batchSizeDefault = 100
const batchWaitDefault = Duration.seconds(5)
const bufferSizeDefault = 10_000
const bufferBytesDefault = 64 * 1_048_576
/** Lets the other statuses of the same moment join an urgent one. */
const urgentWait = Duration.millis(50)
/** Leaves time within the 10 s of the process for the servers that stop before. */
const drainTimeout = Duration.seconds(7)

export class CoreReporter extends Context.Service<CoreReporter, {
  /** Never waits and never fails. */
  readonly report: (report: Report) => Effect.Effect<void>
  /** Sends until interrupted, then sends what is left for at most 7 s. */
  readonly run: Effect.Effect<never>
  readonly pending: Effect.Effect<number>
  /** Why core does not take reports now; none when it answered last, or when there was nothing to send yet. */
  readonly trouble: Effect.Effect<Option.Option<string>>
}>()("serviceradar/services/poller/CoreReporter") {
  static readonly layer = (options: Options) => Layer.effect(this, make(options))
}

const make = Effect.fnUntraced(function*(options: Options) {
  const identity = yield* HostIdentity
  const batchWait = Duration.fromInputUnsafe(options.batchWait ?? batchWaitDefault)
  const batchSizeMax = options.batchSizeMax ?? batchSizeDefault
  const buffer = ReportBuffer.make<Report>({
    entriesMax: options.bufferSizeMax ?? bufferSizeDefault,
    bytesMax: options.bufferBytesMax ?? bufferBytesDefault,
    batchSizeMax,
    batchSpanMillis: Math.max(1_000, Duration.toMillis(batchWait))
  })
  const hasWaiting = yield* Latch.make()
  const isDue = yield* Latch.make()

  const pending = Effect.sync(() => ReportBuffer.size(buffer))
  const delivery = yield* ReportDelivery.make(pending)
  const noteSize = Effect.flatMap(pending, (size) => Metric.update(PollerMetrics.reportBufferSize, size))

  const report = Effect.fnUntraced(function*(one: Report) {
    const entry = {
      value: one,
      bytes: ReportBatch.estimatedBytes(one.status),
      measuredAtMillis: one.measuredAtMillis
    }
    const gone = ReportBuffer.offer(buffer, entry)
    if (gone.length > 0) yield* giveUp(gone, "full")
    yield* noteSize
    yield* hasWaiting.open
    if (one.isUrgent || ReportBuffer.waitingCount(buffer) >= batchSizeMax) yield* isDue.open
  }, Effect.uninterruptible)

  const header = Effect.fnUntraced(function*(measuredAtMillis: number) {
    return {
      pollerId: options.pollerId,
      partition: options.partition,
      sourceIp: yield* identity.sourceIp,
      timestampSeconds: BigInt(Math.floor(measuredAtMillis / 1_000))
    } satisfies ReportHeader
  })

  /** Sends the oldest batch; false when there was none. */
  const sendBatch = Effect.gen(function*() {
    const inFlight = ReportBuffer.take(buffer)
    const newest = inFlight.at(-1)
    if (newest === undefined) return false
    const reports = inFlight.map(({ value }) => value)
    const refused = yield* delivery.deliver(reports, yield* header(newest.measuredAtMillis))
    yield* conclude(reports, refused)
    return true
  })

  /** Whole or not at all: a report that is neither in flight nor settled would never be asked for again. */
  const conclude = (reports: ReadonlyArray<Report>, refused: ReadonlySet<Report>) =>
    Effect.uninterruptible(Effect.gen(function*() {
      ReportBuffer.settle(buffer)
      yield* Effect.forEach(reports, (one) => refused.has(one) ? Effect.void : one.settled(true), { discard: true })
      if (refused.size > 0) yield* giveUp([...refused], "rejected")
    }))

  const sendAll = Effect.andThen(Effect.repeat(sendBatch, { while: (isSent) => isSent }), noteSize)

  const heartbeat = Effect.gen(function*() {
    yield* delivery.heartbeat(yield* header(yield* Clock.currentTimeMillis))
  })

  const waitForBatch = Effect.gen(function*() {
    const isWaiting = yield* Effect.timeoutOption(hasWaiting.await, options.heartbeatInterval)
    if (isWaiting._tag === "None") return yield* heartbeat
    const due = yield* Effect.timeoutOption(isDue.await, batchWait)
    if (due._tag === "Some") yield* Effect.sleep(urgentWait)
    yield* hasWaiting.close
    yield* isDue.close
    yield* sendAll
  })

  const drain = Effect.timeoutOption(sendAll, drainTimeout).pipe(
    Effect.andThen(pending),
    Effect.flatMap((left) =>
      left === 0 ? Effect.void : Effect.logWarning(`${left} statuses are lost: core did not take them before the end`)
    )
  )

  // A batch left over by a predecessor that died goes first.
  const run = Effect.andThen(sendAll, Effect.forever(waitForBatch)).pipe(Effect.onInterrupt(() => drain))

  return CoreReporter.of({
    report,
    run,
    pending,
    trouble: delivery.trouble
  })
})

const giveUp = (reports: ReadonlyArray<Report>, reason: "full" | "rejected") =>
  Effect.andThen(
    Metric.update(Metric.withAttributes(PollerMetrics.reportsDropped, { reason }), reports.length),
    Effect.forEach(reports, (one) => one.settled(false), { discard: true })
  )
