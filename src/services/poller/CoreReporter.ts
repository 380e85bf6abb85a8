/**
 * Brings statuses to core: in order, at least once, in the form that core takes.
 *
 * To a core that takes parts a batch goes when it is full, when its oldest status has waited long enough, or at once when
 * a status is urgent (a service came up or went down). A core that takes each report for the whole poller gets one report
 * per cycle with every check in it: when all have been measured, at the latest some seconds into the cycle, with the last
 * known state of those that hang; and one more for what is urgent, at once or 5 s after the one before: an outage of many
 * is one report, and not one for each. Until every check has a state it gets none, for a cycle at most; what has not answered
 * by then goes along as unavailable, because it has not answered yet.
 *
 * While core is away statuses wait in the buffer, see StatusBuffer, and are brought to it in order and at a bounded rate
 * when it is back. The buffer outlives the fiber that sends: a restarted reporter goes on with the same batch.
 */
import { Clock, Context, Duration, Effect, Latch, Layer, Metric, Option } from "effect"
import type { Check } from "../../domain/monitoring/checks/Check.ts"
import * as PolledStatus from "../../domain/monitoring/reports/PolledStatus.ts"
import * as PresentState from "../../domain/monitoring/reports/PresentState.ts"
import * as ReportCycle from "../../domain/monitoring/reports/ReportCycle.ts"
import type { ServiceStatus } from "../../domain/monitoring/reports/ServiceStatus.ts"
import * as DrainPace from "../../domain/poller/DrainPace.ts"
import type { PolledAgent } from "../../domain/poller/PollerConfig.ts"
import * as Monotonic from "../clock/Monotonic.ts"
import * as StatusBuffer from "./buffer/StatusBuffer.ts"
import type { WaitingStatus } from "./buffer/StatusBuffer.ts"
import type { ReportHeader } from "./CoreClient.ts"
import * as DeliveryTrace from "./DeliveryTrace.ts"
import { HostIdentity } from "./HostIdentity.ts"
import * as PollerMetrics from "./PollerMetrics.ts"
import * as ReportDelivery from "./ReportDelivery.ts"

export interface Report extends StatusBuffer.WaitingStatus {
  /** Sent without waiting for a batch to fill. */
  readonly isUrgent: boolean
}

export interface ExpectedCheck {
  readonly agent: PolledAgent
  readonly check: Check
}

/** What a reporter has to know of the configuration. */
export interface Reported {
  readonly poller: PolledStatus.PollerIdentity
  /** Of the poller: how often each check is measured, and after how long without anything core hears that it lives. */
  readonly pollInterval: Duration.Duration
  /** The checks that are asked for their status, by their keys. */
  readonly expected: ReadonlyMap<string, ExpectedCheck>
}

export interface Options extends Reported {
  /** 100 unless told. */
  readonly batchSizeMax?: number
  /** Unless told 5 s, or an interval where that is shorter: core counts on a report in each of them. */
  readonly batchWait?: Duration.Input
  /** Statuses a second that core gets at most; 2,000 unless told, and always several times what is measured. */
  readonly drainRate?: number | undefined
  /** Whether another process sends what is left in the folder when this one ends; never unless told. */
  readonly hasSuccessor?: Effect.Effect<boolean>
}

const batchSizeDefault = 100
const batchWaitDefault = Duration.seconds(5)
/** Of the results in one report: the rest of what a core takes at once is for the states of the other checks. */
const wholeBytesMax = 3 * 1_048_576
/** That one turn of the event loop makes of a report for the whole poller: half a millisecond of work. */
const pieceStatuses = 64
/** Between two reports for the whole poller of which the second is not that of its cycle. */
const earlyAfter = Duration.seconds(5)
/** Lets the other statuses of the same moment join an urgent one. */
const urgentWait = Duration.millis(50)
/** Leaves time within the 10 s of the process for the servers that stop before. */
const drainTimeout = Duration.seconds(7)
/** The successor holds its reports back meanwhile. */
const bridgeTimeout = Duration.seconds(2)

export class CoreReporter extends Context.Service<CoreReporter, {
  /** Never waits and never fails. */
  readonly report: (report: Report) => Effect.Effect<void>
  /** From now on; of the checks `gone`, which there are no more, core hears nothing any longer. */
  readonly reconfigure: (reported: Reported, gone: ReadonlySet<string>) => Effect.Effect<void>
  /** Sends until interrupted, then sends what is left for at most 7 s. */
  readonly run: Effect.Effect<never>
  readonly pending: Effect.Effect<number>
  /** Why core does not take reports now; none when it answered last, or when there was nothing to send yet. */
  readonly trouble: Effect.Effect<Option.Option<string>>
}>()("serviceradar/services/poller/CoreReporter") {
  static readonly layer = (options: Options) => Layer.effect(this, make(options))
}

/** Those that each cycle measures. */
const everyCycle = ({ expected, pollInterval }: Reported): ReadonlySet<string> =>
  new Set(
    [...expected].flatMap(([key, { check: { interval } }]) =>
      Option.exists(interval, Duration.isGreaterThan(pollInterval)) ? [] : [key]
    )
  )

const make = Effect.fnUntraced(function*(options: Options) {
  const identity = yield* HostIdentity
  let reported: Reported = options
  /** Of the present configuration no more, although statuses of them may wait. */
  const gone = new Set<string>()
  const waitFor = (interval: Duration.Duration) =>
    Duration.fromInputUnsafe(options.batchWait ?? Duration.min(batchWaitDefault, interval))
  let batchWait = waitFor(options.pollInterval)
  const batchSizeMax = options.batchSizeMax ?? batchSizeDefault
  const buffer = yield* StatusBuffer.StatusBuffer
  const startedAtMillis = yield* Clock.currentTimeMillis
  /** What is measured before there has been a report; each check once, as of the end of this time. */
  const beforeFirst = {
    fromMillis: startedAtMillis,
    toMillis: startedAtMillis + Duration.toMillis(Duration.sum(options.pollInterval, earlyAfter))
  }
  const cuts = {
    parts: {
      _tag: "Parts",
      limits: { sizeMax: batchSizeMax, spanMillis: Math.max(1_000, Duration.toMillis(batchWait)) }
    },
    whole: {
      _tag: "Distinct",
      limits: {
        bytesMax: wholeBytesMax,
        // What a cycle brings is not joined with that of the next.
        joinMillis: Math.min(Duration.toMillis(earlyAfter), 0.9 * Duration.toMillis(options.pollInterval)),
        joined: beforeFirst
      }
    }
  } as const
  const paceAt = (nowMillis: number) =>
    DrainPace.make(
      DrainPace.rateFor(options.drainRate, reported.expected.size, reported.pollInterval),
      nowMillis
    )
  let pace = paceAt(yield* Monotonic.millis)
  const isDue = yield* Latch.make()
  const hasWaiting = yield* Latch.make()
  const present = PresentState.make()
  const cycleOptions = (startMillis: number): ReportCycle.CycleOptions => ({
    startMillis,
    intervalMillis: Duration.toMillis(reported.pollInterval),
    waitMillis: Duration.toMillis(batchWait),
    expected: everyCycle(reported),
    checks: new Set(reported.expected.keys())
  })
  let cycle = ReportCycle.make(cycleOptions(yield* Monotonic.millis))

  /** When the last report for the whole poller was due. */
  let wholeMillis = -Infinity

  const pending = buffer.size
  const delivery = yield* ReportDelivery.make(pending)

  const followed = DeliveryTrace.make()

  const noteWaiting = ({ isUrgent, key }: Report) => {
    ReportCycle.note(cycle, key)
    hasWaiting.openUnsafe()
    if (isUrgent) isDue.openUnsafe()
    if (!delivery.isKnownToTakeParts()) {
      if (ReportCycle.isAllMeasured(cycle)) isDue.openUnsafe()
      return Effect.void
    }
    return Effect.flatMap(pending, (count) => count >= batchSizeMax ? Effect.asVoid(isDue.open) : Effect.void)
  }

  const report = (one: Report): Effect.Effect<void> =>
    Effect.uninterruptible(
      Effect.flatMap(followed(one), (kept) => {
        // A report must not lack it because others go before it.
        if (reported.expected.has(one.key)) PresentState.noteWaiting(present, one.key, one.status, one.measuredAtMillis)
        return Effect.flatMap(buffer.offer(kept), () => noteWaiting(one))
      })
    )

  const header = Effect.fnUntraced(function*(measuredAtMillis: number, reportId = "") {
    return {
      reportId,
      pollerId: reported.poller.pollerId,
      partition: reported.poller.partition,
      sourceIp: yield* identity.sourceIp,
      timestampSeconds: BigInt(Math.floor(measuredAtMillis / 1_000)),
      interval: reported.pollInterval
    } satisfies ReportHeader
  })

  /** Every check, also those that have never answered. */
  const presentStatuses = Effect.gen(function*() {
    const unanswered = yield* Effect.forEach(ReportCycle.unanswered(cycle, yield* Monotonic.millis), (key) => {
      const expected = reported.expected.get(key)
      return expected === undefined || PresentState.isKnown(present, key)
        ? Effect.succeedNone
        : Effect.asSome(notAnswered(expected))
    })
    const statuses: Array<ServiceStatus> = []
    for (const status of PresentState.report(present)) {
      // Polls go on meanwhile.
      if (statuses.push(status) % pieceStatuses === 0) yield* Effect.yieldNow
    }
    return [...statuses, ...unanswered.flatMap(Option.toArray)]
  })

  const notAnswered = ({ agent, check }: ExpectedCheck) =>
    Effect.map(
      identity.agentHost(agent),
      (host) =>
        PolledStatus.notAnswered({ poller: reported.poller, agentId: agent.agentId, host, check, source: "getStatus" })
    )

  /** Whole or not at all: a report that is neither in flight nor settled would never be asked for again. */
  const conclude = (statuses: ReadonlyArray<WaitingStatus>, refused: ReadonlySet<WaitingStatus>) =>
    Effect.uninterruptible(Effect.gen(function*() {
      yield* buffer.settle
      const oldest = statuses.reduce((earliest, one) => Math.min(earliest, one.measuredAtMillis), Infinity)
      const sinceMillis = (yield* Clock.currentTimeMillis) - oldest
      yield* Metric.update(PollerMetrics.acknowledgedSeconds, Math.max(0, sinceMillis) / 1_000)
      PresentState.settle(present)
      for (const one of statuses) if (!isPresent(one)) PresentState.forget(present, stateKey(one))
      yield* Effect.forEach(statuses, (one) => refused.has(one) ? Effect.void : one.settled?.(true) ?? Effect.void, {
        discard: true
      })
      if (refused.size > 0) yield* StatusBuffer.giveUp([...refused], "rejected")
    }))

  /** Whether it is of a check of the present configuration; one before a restart may have had others. */
  const isPresent = ({ isRecovered, key, status }: WaitingStatus): boolean =>
    isRecovered === true ? reported.expected.get(key)?.check.serviceName === status.serviceName : !gone.has(key)

  const stateKey = (one: WaitingStatus): string => isPresent(one) ? one.key : `gone ${one.key}`

  /** One attempt at the oldest batch; false when core went away. */
  const attempt = Effect.fnUntraced(function*({ id, statuses }: StatusBuffer.Batch, form: ReportDelivery.ReportForm) {
    const wait = DrainPace.untilNext(pace, yield* Monotonic.millis)
    if (!Duration.isZero(wait)) yield* Effect.sleep(wait)
    const newest = statuses.reduce((latest, { measuredAtMillis }) => Math.max(latest, measuredAtMillis), 0)
    // A report of all checks is not the same one when it goes again: what is known has changed.
    const to = yield* header(newest, form === "parts" ? id : "")
    if (form === "parts") {
      const delivered = yield* delivery.deliverParts(statuses, to)
      if (delivered._tag === "Away") return false
      yield* conclude(statuses, delivered.refused)
      DrainPace.charge(pace, statuses.length, yield* Monotonic.millis)
      return true
    }
    const all = yield* presentStatuses
    const sentAtMillis = yield* Clock.currentTimeMillis
    const delivered = yield* delivery.deliverWhole(all, to)
    if (delivered === "away") return false
    beforeFirst.toMillis = Math.min(beforeFirst.toMillis, sentAtMillis)
    yield* conclude(statuses, delivered === "refused" ? new Set(statuses) : new Set())
    DrainPace.charge(pace, all.length, yield* Monotonic.millis)
    return true
  })

  const takeBatch = Effect.fnUntraced(function*(form: ReportDelivery.ReportForm) {
    const batch = yield* buffer.take(cuts[form])
    for (const one of Option.match(batch, { onNone: () => [], onSome: ({ statuses }) => statuses })) {
      PresentState.note(present, stateKey(one), one.status, one.measuredAtMillis)
    }
    return batch
  })

  /** The oldest batch, however long it takes: how many statuses it had. */
  const sendBatch = Effect.gen(function*() {
    let sent = 0
    const once = Effect.gen(function*() {
      const form = yield* delivery.form
      const batch = yield* takeBatch(form)
      sent = Option.match(batch, { onNone: () => 0, onSome: ({ statuses }) => statuses.length })
      return Option.isNone(batch) || (yield* attempt(batch.value, form))
    })
    yield* Effect.repeat(once, { schedule: ReportDelivery.backoff, until: (isSettled) => isSettled })
    return sent
  })

  /**
   * What waits by now. What a large fleet measures meanwhile is for the next round: a whole report for each handful of it
   * would have no end.
   */
  const sendAll = Effect.gen(function*() {
    let left = yield* pending
    while (left > 0) {
      const sent = yield* sendBatch
      if (sent === 0) return
      left -= sent
    }
  })

  /** For a core that takes parts. */
  const partsRound = Effect.gen(function*() {
    const isWaiting = yield* Effect.timeoutOption(hasWaiting.await, reported.pollInterval)
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

  /** Until a report for the whole poller is to go: whether it is the latest moment for that of a cycle. */
  const untilWhole = Effect.gen(function*() {
    while (true) {
      const due = yield* Effect.timeoutOption(
        isDue.await,
        ReportCycle.untilNext(cycle, yield* Monotonic.millis)
      )
      if (Option.isNone(due)) return true
      yield* Effect.sleep(urgentWait)
      const nowMillis = yield* Monotonic.millis
      const earlyMillis = wholeMillis + Duration.toMillis(earlyAfter) - nowMillis
      if (earlyMillis <= 0 || ReportCycle.isComplete(cycle, nowMillis)) return false
      const latestMillis = Duration.toMillis(ReportCycle.untilNext(cycle, nowMillis))
      yield* isDue.close
      const sooner = yield* Effect.timeoutOption(isDue.await, Duration.millis(Math.min(earlyMillis, latestMillis)))
      if (Option.isNone(sooner)) return latestMillis <= earlyMillis
    }
  })

  /** For a core that takes each report for the whole poller. */
  const wholeRound = Effect.gen(function*() {
    const isLatest = yield* untilWhole
    yield* isDue.close
    yield* hasWaiting.close
    const nowMillis = yield* Monotonic.millis
    if (!ReportCycle.mayReport(cycle, nowMillis)) {
      // Core may turn out to take parts.
      if ((yield* pending) > 0) yield* hasWaiting.open
      return
    }
    ReportCycle.reported(cycle, nowMillis, isLatest)
    wholeMillis = nowMillis
    if ((yield* pending) > 0) yield* sendAll
    else yield* sendPresent
  })

  const round = Effect.flatMap(delivery.formNow, (form) => Option.contains(form, "parts") ? partsRound : wholeRound)

  const reconfigure = Effect.fnUntraced(function*(next: Reported, removed: ReadonlySet<string>) {
    const nowMillis = yield* Monotonic.millis
    const isSamePace = Duration.equals(next.pollInterval, reported.pollInterval)
    reported = next
    batchWait = waitFor(next.pollInterval)
    pace = paceAt(nowMillis)
    cycle = ReportCycle.revise(cycle, cycleOptions(isSamePace ? cycle.options.startMillis : nowMillis), nowMillis)
    for (const key of removed) {
      gone.add(key)
      PresentState.forget(present, key)
    }
    for (const key of next.expected.keys()) gone.delete(key)
    // The round that waits does so by what held before.
    yield* isDue.open
  }, Effect.uninterruptible)

  const maySend = Effect.gen(function*() {
    if (Option.contains(yield* delivery.formKnown, "parts")) return true
    return ReportCycle.mayReport(cycle, yield* Monotonic.millis)
  })

  const noteLeft = Effect.gen(function*() {
    const left = yield* pending
    if (left === 0) return
    yield* Option.match(yield* buffer.folder, {
      onNone: () => Effect.logWarning(`${left} statuses are lost: core did not take them before the end`),
      onSome: (folder) => Effect.logInfo(`${left} statuses wait in ${folder}: core did not take them before the end`)
    })
  })

  const isLeftToSuccessor = Effect.gen(function*() {
    return (yield* options.hasSuccessor ?? Effect.succeed(false)) && Option.isSome(yield* buffer.folder)
  })

  /**
   * A core that takes each report for the whole poller gets the next one when the successor has measured every check: until
   * then it counts from this one.
   */
  const bridge = Effect.gen(function*() {
    if (Option.contains(yield* delivery.formKnown, "whole") && (yield* maySend)) yield* sendPresent
  })

  const drain = Effect.gen(function*() {
    if (yield* isLeftToSuccessor) return yield* Effect.asVoid(Effect.timeoutOption(bridge, bridgeTimeout))
    // What a process before this one left goes first, also where the end comes before all of it is read.
    const send = Effect.flatMap(maySend, (may) => may ? sendAll : Effect.void)
    yield* Effect.timeoutOption(Effect.andThen(buffer.isReady, send), drainTimeout)
    yield* noteLeft
  })

  // A batch left over by a predecessor that died goes first, and what a process before this one left without waiting for more.
  const resume = Effect.gen(function*() {
    yield* buffer.isReady
    if ((yield* pending) === 0) return
    yield* Effect.andThen(isDue.open, hasWaiting.open)
    if (yield* maySend) yield* sendAll
  })

  const run = Effect.andThen(resume, Effect.forever(round)).pipe(Effect.onInterrupt(() => drain))

  return CoreReporter.of({
    report,
    reconfigure,
    run,
    pending,
    trouble: delivery.trouble
  })
})
