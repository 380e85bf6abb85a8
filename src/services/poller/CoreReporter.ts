/**
 * Brings statuses to core: in order, at least once, in the form that core takes.
 *
 * To a core that takes parts a batch goes when it is full, when its oldest status has waited long enough, or at once when
 * a status is urgent (a service came up or went down). A core that takes each report for the whole poller gets one report
 * per cycle with every check in it: when all have been measured, at the latest some seconds into the cycle, with the last
 * known state of those that hang; and one more at once for what is urgent. Until every check has a state it gets none,
 * for a cycle at most; what has not answered by then goes along as unavailable, because it has not answered yet. While core is away statuses wait in a bounded buffer; when that is full the oldest go and are
 * counted. The buffer outlives the fiber that sends: a restarted reporter goes on with the same batch.
 */
import { Clock, Context, Duration, Effect, Latch, Layer, Metric, Option } from "effect"
import type { Check } from "../../domain/monitoring/checks/Check.ts"
import * as PolledStatus from "../../domain/monitoring/reports/PolledStatus.ts"
import * as PresentState from "../../domain/monitoring/reports/PresentState.ts"
import * as ReportBatch from "../../domain/monitoring/reports/ReportBatch.ts"
import * as ReportBuffer from "../../domain/monitoring/reports/ReportBuffer.ts"
import * as ReportCycle from "../../domain/monitoring/reports/ReportCycle.ts"
import type { ServiceStatus } from "../../domain/monitoring/reports/ServiceStatus.ts"
import type { PolledAgent } from "../../domain/poller/PollerConfig.ts"
import * as Monotonic from "../clock/Monotonic.ts"
import type { ReportHeader } from "./CoreClient.ts"
import { HostIdentity } from "./HostIdentity.ts"
import * as PollerMetrics from "./PollerMetrics.ts"
import * as ReportDelivery from "./ReportDelivery.ts"

export interface Report {
  /** Tells the checks of the configuration apart, whatever their statuses are called. */
  readonly key: string
  readonly status: ServiceStatus
  readonly measuredAtMillis: number
  /** Sent without waiting for a batch to fill. */
  readonly isUrgent: boolean
  /** Called once: core has it (`true`), or it was given up (`false`). */
  readonly settled: (isDelivered: boolean) => Effect.Effect<void>
}

export interface ExpectedCheck {
  readonly agent: PolledAgent
  readonly check: Check
}

export interface Options {
  readonly poller: PolledStatus.PollerIdentity
  /** 100 unless told. */
  readonly batchSizeMax?: number
  /** Unless told 5 s, or an interval where that is shorter: core counts on a report in each of them. */
  readonly batchWait?: Duration.Input
  /** Of the poller: how often each check is measured, and after how long without anything core hears that it lives. */
  readonly pollInterval: Duration.Duration
  /** The checks that are measured in every cycle, by their keys. */
  readonly expected: ReadonlyMap<string, ExpectedCheck>
  /** Statuses kept while core is away. 10,000 unless told. */
  readonly bufferSizeMax?: number
  /** 64 MiB unless told. */
  readonly bufferBytesMax?: number
}

const batchSizeDefault = 100
const batchWaitDefault = Duration.seconds(5)
const bufferSizeDefault = 10_000
const bufferBytesDefault = 64 * 1_048_576
/** Of the results in one report: the rest of what a core takes at once is for the states of the other checks. */
const wholeBytesMax = 3 * 1_048_576
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
  const batchWait = Duration.fromInputUnsafe(options.batchWait ?? Duration.min(batchWaitDefault, options.pollInterval))
  const batchSizeMax = options.batchSizeMax ?? batchSizeDefault
  const buffer = ReportBuffer.make<Report>({
    entriesMax: options.bufferSizeMax ?? bufferSizeDefault,
    bytesMax: options.bufferBytesMax ?? bufferBytesDefault,
    batchSizeMax,
    batchSpanMillis: Math.max(1_000, Duration.toMillis(batchWait))
  })
  const isDue = yield* Latch.make()
  const hasWaiting = yield* Latch.make()
  const present = PresentState.make()
  const cycle = ReportCycle.make({
    startMillis: yield* Monotonic.millis,
    intervalMillis: Duration.toMillis(options.pollInterval),
    waitMillis: Duration.toMillis(batchWait),
    expected: new Set(options.expected.keys())
  })

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
    ReportCycle.note(cycle, one.key)
    yield* noteSize
    yield* hasWaiting.open
    const isParts = Option.contains(yield* delivery.formKnown, "parts")
    const isFull = isParts ? ReportBuffer.waitingCount(buffer) >= batchSizeMax : ReportCycle.isAllMeasured(cycle)
    if (one.isUrgent || isFull) yield* isDue.open
  }, Effect.uninterruptible)

  const header = Effect.fnUntraced(function*(measuredAtMillis: number) {
    return {
      pollerId: options.poller.pollerId,
      partition: options.poller.partition,
      sourceIp: yield* identity.sourceIp,
      timestampSeconds: BigInt(Math.floor(measuredAtMillis / 1_000)),
      interval: options.pollInterval
    } satisfies ReportHeader
  })

  /** Every check, also those that have never answered. */
  const presentStatuses = Effect.gen(function*() {
    const unanswered = yield* Effect.forEach(cycle.unknown, (key) => {
      const expected = options.expected.get(key)
      return expected === undefined ? Effect.succeedNone : Effect.asSome(notAnswered(expected))
    })
    return [...PresentState.report(present), ...unanswered.flatMap(Option.toArray)]
  })

  const notAnswered = ({ agent, check }: ExpectedCheck) =>
    Effect.map(
      identity.agentHost(agent),
      (host) =>
        PolledStatus.notAnswered({ poller: options.poller, agentId: agent.agentId, host, check, source: "getStatus" })
    )

  /** Whole or not at all: a report that is neither in flight nor settled would never be asked for again. */
  const conclude = (reports: ReadonlyArray<Report>, refused: ReadonlySet<Report>) =>
    Effect.uninterruptible(Effect.gen(function*() {
      ReportBuffer.settle(buffer)
      PresentState.settle(present)
      yield* Effect.forEach(reports, (one) => refused.has(one) ? Effect.void : one.settled(true), { discard: true })
      if (refused.size > 0) yield* giveUp([...refused], "rejected")
    }))

  /** One attempt at the oldest batch; false when core went away. */
  const attempt = Effect.fnUntraced(function*(batch: Batch, form: ReportDelivery.ReportForm) {
    const to = yield* header(batch.newestMillis)
    const { reports } = batch
    if (form === "parts") {
      const delivered = yield* delivery.deliverParts(reports, to)
      if (delivered._tag === "Away") return false
      yield* conclude(reports, delivered.refused)
      return true
    }
    const outcome = yield* delivery.deliverWhole(yield* presentStatuses, to)
    if (outcome === "away") return false
    yield* conclude(reports, outcome === "refused" ? new Set(reports) : new Set())
    return true
  })

  const takeBatch = (form: ReportDelivery.ReportForm): Batch | undefined => {
    const inFlight = form === "parts"
      ? ReportBuffer.take(buffer)
      : ReportBuffer.takeDistinct(buffer, ({ key }) => key, wholeBytesMax)
    for (const { measuredAtMillis, value } of inFlight) {
      PresentState.note(present, value.key, value.status, measuredAtMillis)
    }
    const newest = inFlight.at(-1)
    return newest === undefined
      ? undefined
      : { reports: inFlight.map(({ value }) => value), newestMillis: newest.measuredAtMillis }
  }

  /** The oldest batch, however long it takes: how many statuses it had. */
  const sendBatch = Effect.gen(function*() {
    let sent = 0
    const once = Effect.flatMap(delivery.form, (form) => {
      const batch = takeBatch(form)
      sent = batch?.reports.length ?? 0
      return batch === undefined ? Effect.succeed(true) : attempt(batch, form)
    })
    yield* Effect.repeat(once, { schedule: ReportDelivery.backoff, until: (isSettled) => isSettled })
    return sent
  })

  /**
   * What waits by now. What a large fleet measures meanwhile is for the next round: a whole report for each handful of it
   * would have no end.
   */
  const sendAll = Effect.suspend(() => {
    let left = ReportBuffer.size(buffer)
    if (left === 0) return Effect.void
    return Effect.repeat(sendBatch, {
      while: (sent) => {
        left -= sent
        return sent > 0 && left > 0
      }
    })
  }).pipe(Effect.andThen(noteSize))

  /** For a core that takes parts. */
  const partsRound = Effect.gen(function*() {
    const isWaiting = yield* Effect.timeoutOption(hasWaiting.await, options.pollInterval)
    if (Option.isNone(isWaiting)) return yield* delivery.heartbeat(yield* header(yield* Clock.currentTimeMillis))
    const due = yield* Effect.timeoutOption(isDue.await, batchWait)
    if (Option.isSome(due)) yield* Effect.sleep(urgentWait)
    yield* hasWaiting.close
    yield* isDue.close
    yield* sendAll
    // Another core has answered, and takes what it got for all there is.
    if (Option.contains(yield* delivery.formKnown, "whole")) yield* sendPresent
  })

  /** What is known, although nothing was measured since; nothing is waited for. */
  const sendPresent = Effect.gen(function*() {
    const statuses = yield* presentStatuses
    const to = yield* header(yield* Clock.currentTimeMillis)
    if (statuses.length > 0) yield* delivery.deliverWhole(statuses, to)
    // Of a poller without checks this is the whole truth.
    else yield* delivery.heartbeat(to)
  })

  /** For a core that takes each report for the whole poller. */
  const wholeRound = Effect.gen(function*() {
    const untilNext = ReportCycle.untilNext(cycle, yield* Monotonic.millis)
    const due = yield* Effect.timeoutOption(isDue.await, untilNext)
    if (Option.isSome(due)) yield* Effect.sleep(urgentWait)
    yield* isDue.close
    yield* hasWaiting.close
    const nowMillis = yield* Monotonic.millis
    if (!ReportCycle.mayReport(cycle, nowMillis)) return
    ReportCycle.reported(cycle, nowMillis, Option.isNone(due))
    if (ReportBuffer.size(buffer) > 0) yield* sendAll
    else yield* sendPresent
  })

  const round = Effect.flatMap(delivery.formNow, (form) => Option.contains(form, "parts") ? partsRound : wholeRound)

  const maySend = Effect.gen(function*() {
    if (Option.contains(yield* delivery.formKnown, "parts")) return true
    return ReportCycle.mayReport(cycle, yield* Monotonic.millis)
  })

  const drain = Effect.timeoutOption(Effect.flatMap(maySend, (may) => may ? sendAll : Effect.void), drainTimeout).pipe(
    Effect.andThen(pending),
    Effect.flatMap((left) =>
      left === 0 ? Effect.void : Effect.logWarning(`${left} statuses are lost: core did not take them before the end`)
    )
  )

  // A batch left over by a predecessor that died goes first.
  const run = Effect.andThen(
    ReportBuffer.size(buffer) > 0 ? sendAll : Effect.void,
    Effect.forever(round)
  ).pipe(Effect.onInterrupt(() => drain))

  return CoreReporter.of({
    report,
    run,
    pending,
    trouble: delivery.trouble
  })
})

interface Batch {
  readonly reports: ReadonlyArray<Report>
  readonly newestMillis: number
}

const giveUp = (reports: ReadonlyArray<Report>, reason: "full" | "rejected") =>
  Effect.andThen(
    Metric.update(Metric.withAttributes(PollerMetrics.reportsDropped, { reason }), reports.length),
    Effect.forEach(reports, (one) => one.settled(false), { discard: true })
  )
