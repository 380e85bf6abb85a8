/**
 * Statuses in a folder: they outlive the process, however it ends.
 *
 * A status is handed to the operating system within 50 ms, which the end of the process does not undo, and is on the disk
 * within a second, which a power failure does not undo either. What a report holds is on the disk before the report is
 * sent, with a mark of where it begins and ends, so that after a crash the same statuses go as the same report.
 *
 * While the folder takes nothing the memory carries on, bounded as it is without a folder, and what it holds is written
 * when the folder takes it again.
 */
import { Clock, Deferred, Duration, Effect, Exit, Latch, Layer, Metric, Option, Random, Scope } from "effect"
import * as Backoff from "../../../domain/backoff/Backoff.ts"
import * as ReportBuffer from "../../../domain/monitoring/reports/ReportBuffer.ts"
import type * as Mark from "../../../domain/poller/segments/Mark.ts"
import * as Position from "../../../domain/poller/segments/Position.ts"
import {
  ageMaxDefault,
  cutFrom,
  memoryBytes,
  memoryDefault,
  newOrigin
} from "../../../services/poller/buffer/MemoryStatusBuffer.ts"
import {
  countGivenUp,
  type Cut,
  type GivenUp,
  giveUp,
  StatusBuffer,
  type WaitingStatus
} from "../../../services/poller/buffer/StatusBuffer.ts"
import * as PollerMetrics from "../../../services/poller/PollerMetrics.ts"
import type { BufferFault, SegmentFiles } from "./SegmentFiles.ts"
import * as SegmentLog from "./SegmentLog.ts"
import * as WaitingQueue from "./WaitingQueue.ts"

export interface Options {
  readonly files: SegmentFiles
  /** Of all segments. 1 GiB unless told. */
  readonly bytesMax?: number | undefined
  /** Of one segment: a sixteenth of all, at most 16 MiB, unless told. */
  readonly segmentBytes?: number
  /** 24 h unless told. */
  readonly ageMax?: Duration.Input | undefined
  /** What is held in memory of those that are not written yet. */
  readonly memory?: ReportBuffer.Limits
  /** What is held in memory of those that are to go next; as `memory` unless told. */
  readonly ahead?: ReportBuffer.Limits
}

export const bytesMaxDefault = 1_073_741_824
const segmentBytesMax = 16 * 1_048_576
/** The oldest segment goes as a whole, so there are to be some. */
const segmentsMin = 16
/** One write; what is larger goes alone. */
const groupBytesMax = 1_048_576
/** Statuses that come within it share a write. */
const gather = Duration.millis(50)
const syncEvery = Duration.seconds(1)
/** A report is not held up for longer by a disk that does not answer. */
const durableWait = Duration.seconds(2)
/** After which a disk that does not answer is in trouble. */
const hangingAfter = Duration.seconds(5)
const lookEvery = Duration.minutes(1)
const retry = { from: "1 second", to: "30 seconds" } as const

export const layer = (options: Options) => Layer.effect(StatusBuffer, make(options))

const make = Effect.fnUntraced(function*({ files, memory = memoryDefault, ahead = memory, ...options }: Options) {
  const bytesMax = options.bytesMax ?? bytesMaxDefault
  const ageMaxMillis = Duration.toMillis(options.ageMax ?? ageMaxDefault)
  const segmentBytes = options.segmentBytes ?? Math.min(segmentBytesMax, Math.ceil(bytesMax / segmentsMin))
  const origin = yield* newOrigin
  const owner = yield* Effect.scope
  const queue = WaitingQueue.make(memory, ahead)
  const { front } = queue
  /** What is to be done, and whether at once. */
  const hasWork = yield* Latch.make()
  const isUrgent = yield* Latch.make()

  let log: SegmentLog.SegmentLog | undefined
  let logScope: Scope.Closeable | undefined
  /** Of the first segment that this process began. */
  let firstOwn: number | undefined
  let settled = Position.start
  /** A process before this one was sending up to here. */
  let recoveredThrough = Position.start
  let batchId: string | undefined
  let batches = 0
  /** What is to be marked changes, and what is marked follows. */
  let toMark = 0
  let marked = 0
  /** As the newest mark in the files has it, and as a power failure would leave it. */
  let writtenSettled = Position.start
  let durableSettled = Position.start
  let isUnsynced = false
  let syncedAt = 0
  let busySince: number | undefined
  let isRunning = false
  let isFullNoted = false
  let trouble: BufferFault | undefined
  let waiters: Array<Deferred.Deferred<void>> = []
  /** Of statuses that are on the disk alone. */
  const callbacks = new Map<string, { readonly at: Position.Position; readonly one: WaitingStatus }>()
  const keyOf = ({ ordinal, segment }: Position.Position) => `${segment}.${ordinal}`

  const hasBacklog = () => log !== undefined && Position.isAfter(log.last(), queue.cursor)
  const sizeNow = () => ReportBuffer.size(front) + queue.behind + (log?.countAfter(queue.cursor) ?? 0)
  const noteSize = Effect.suspend(() => Metric.update(PollerMetrics.reportBufferSize, sizeNow()))
  const noteBytes = Effect.suspend(() =>
    Effect.andThen(
      Metric.update(memoryBytes, front.waitingBytes),
      Metric.update(diskBytes, log?.bytes() ?? 0)
    )
  )

  const noteTrouble = Effect.fnUntraced(function*(fault: BufferFault) {
    if (trouble === undefined) yield* Effect.logWarning(`${fault.message}; statuses are kept in memory meanwhile`)
    trouble = fault
  })
  const noteWell = Effect.suspend(() => {
    if (trouble === undefined) return Effect.void
    trouble = undefined
    return Effect.logInfo(`${files.folder} takes statuses again`)
  })

  // Opening

  const closeLog = Effect.suspend(() => {
    const scope = logScope
    log = undefined
    logScope = undefined
    return scope === undefined ? Effect.void : Scope.close(scope, Exit.void)
  })
  yield* Effect.addFinalizer(() => closeLog)

  const openLog = Effect.uninterruptible(Effect.gen(function*() {
    const scope = yield* Scope.fork(owner)
    const numbersFrom = Math.max(queue.cursor.segment, settled.segment) + 1
    const opened = yield* SegmentLog.open({ files, segmentBytes, newId: newOrigin, numbersFrom }).pipe(
      Scope.provide(scope),
      Effect.onError(() => Scope.close(scope, Exit.void))
    )
    log = opened
    logScope = scope
    yield* Effect.forEach(opened.recovered.notes, (note) => Effect.logWarning(`${files.folder}: ${note}`))
    if (firstOwn === undefined) {
      firstOwn = opened.firstOwn
      const { mark } = opened.recovered
      settled = mark.settled
      queue.cursor = mark.settled
      recoveredThrough = mark.inFlight
      WaitingQueue.stepBehind(queue)
      const left = opened.countAfter(settled)
      if (left > 0) yield* Effect.logInfo(`${left} statuses of before the start wait in ${files.folder}`)
    }
    // What core has all of is removed when a mark says so that is on the disk.
    if (opened.recovered.segments.length > 0) toMark += 1
    yield* hasWork.open
    yield* noteSize
  }))

  // Giving up

  const noteFull = (reason: GivenUp) =>
    Effect.suspend(() => {
      if (reason !== "full" || isFullNoted) return Effect.void
      isFullNoted = true
      return Effect.logWarning(`${files.folder} is full: the oldest statuses are given up`)
    })

  const dropSegment = Effect.fnUntraced(
    function*(from: SegmentLog.SegmentLog, segment: number, reason: GivenUp, before: number) {
      const gone = WaitingQueue.dropSegment(queue, segment).map(({ one }) => one)
      const onDisk = before - from.countAfter(queue.cursor)
      const told = [...callbacks].filter(([, { at }]) => at.segment <= segment)
      for (const [key] of told) callbacks.delete(key)
      yield* giveUp([...gone, ...told.map(([, { one }]) => one)], reason)
      yield* countGivenUp(Math.max(0, onDisk - told.length), reason)
      yield* noteFull(reason)
      toMark += 1
    }
  )

  const dropOldest = Effect.fnUntraced(function*(from: SegmentLog.SegmentLog, reason: GivenUp) {
    const before = from.countAfter(queue.cursor)
    const number = yield* from.dropOldest
    if (Option.isSome(number)) yield* dropSegment(from, number.value, reason, before)
    return Option.isSome(number)
  })

  const makeRoom = Effect.fnUntraced(function*(to: SegmentLog.SegmentLog, bytes: number) {
    while (to.bytes() > 0 && to.bytes() + bytes > bytesMax) if (!(yield* dropOldest(to, "full"))) return
  })

  const dropExpired = Effect.fnUntraced(function*(from: SegmentLog.SegmentLog) {
    const before = (yield* Clock.currentTimeMillis) - ageMaxMillis
    for (let oldest = from.oldest(); oldest !== undefined; oldest = from.oldest()) {
      if (oldest.newestMillis >= before || oldest.statuses === 0) return
      yield* dropOldest(from, "expired")
    }
  })

  // Writing

  /** Undefined when it cannot be said yet. */
  const markWith = (
    group: ReadonlyArray<WaitingQueue.Held>,
    positions: ReadonlyArray<Position.Position>
  ): Mark.Mark | undefined => {
    const last = front.inFlight.at(-1)?.value
    if (last === undefined || last.isMemoryOnly) return { settled, inFlight: settled }
    const inFlight = last.position ?? positions[group.indexOf(last)]
    return inFlight === undefined ? undefined : { settled, inFlight }
  }

  const writeGroup = Effect.fnUntraced(function*(to: SegmentLog.SegmentLog) {
    const group = WaitingQueue.beginWrite(queue, groupBytesMax)
    const version = toMark
    let mark: Mark.Mark | undefined
    const positions = yield* Effect.andThen(
      makeRoom(to, group.reduce((sum, { bytes }) => sum + bytes, 0)),
      to.append(group.map(({ one }) => one), (places) => {
        mark = version === marked ? undefined : markWith(group, places)
        return mark
      })
    ).pipe(Effect.onError(() => Effect.sync(() => WaitingQueue.writeFailed(queue))))
    WaitingQueue.written(queue, positions)
    for (const { isInFront, isOver, one, position } of group) {
      if (isInFront || isOver || one.settled === undefined || position === undefined) continue
      callbacks.set(keyOf(position), { at: position, one })
    }
    isUnsynced = true
    if (mark === undefined) return group.length > 0
    marked = version
    writtenSettled = mark.settled
    return true
  })

  const hasToWrite = () => queue.unwrittenCount > 0 || toMark !== marked

  const writeAll = Effect.fnUntraced(function*(to: SegmentLog.SegmentLog, isSyncWanted: boolean) {
    // A mark waits for the group that its last status is in.
    while (hasToWrite()) if (!(yield* writeGroup(to))) break
    const now = yield* Clock.currentTimeMillis
    if (isUnsynced && (isSyncWanted || now - syncedAt >= Duration.toMillis(syncEvery))) {
      isUnsynced = false
      yield* to.sync
      syncedAt = now
      durableSettled = writtenSettled
    }
  })

  /** Whole: what is begun on a disk is ended. */
  const flush = Effect.uninterruptible(
    Effect.gen(function*() {
      const to = log
      if (to === undefined) return
      busySince = yield* Clock.currentTimeMillis
      // Whoever comes to wait from here on waits for the next flush.
      const told = waiters
      waiters = []
      yield* Effect.ensuring(
        writeAll(to, told.length > 0),
        // Nobody waits for a disk that does not take it.
        Effect.forEach(told, (waiter) => Deferred.succeed(waiter, undefined), { discard: true })
      )
      yield* to.removeSettled(durableSettled)
      yield* dropExpired(to)
      yield* noteWell
      yield* Effect.andThen(noteSize, noteBytes)
    }).pipe(Effect.ensuring(Effect.sync(() => {
      busySince = undefined
    })))
  )

  const untilSync = Effect.map(Clock.currentTimeMillis, (now) =>
    isUnsynced
      ? Duration.millis(Math.max(0, syncedAt + Duration.toMillis(syncEvery) - now))
      : lookEvery)

  const round = Effect.gen(function*() {
    if (log === undefined) yield* openLog
    yield* Effect.timeoutOption(hasWork.await, yield* untilSync)
    yield* Effect.timeoutOption(isUrgent.await, gather)
    yield* Effect.andThen(hasWork.close, isUrgent.close)
    yield* flush
  })

  const recoverFrom = Effect.fnUntraced(function*(fault: BufferFault, retries: number) {
    yield* noteTrouble(fault)
    // What was there is there no more.
    if (fault.isAbsent) yield* closeLog
    yield* Effect.sleep(Backoff.delay(retry, retries, yield* Random.next))
    // The next round is to try the disk.
    toMark += 1
    yield* hasWork.open
  })

  const run = Effect.gen(function*() {
    isRunning = true
    let retries = 0
    return yield* Effect.forever(Effect.matchEffect(round, {
      onFailure: (fault) => recoverFrom(fault, retries++),
      onSuccess: () =>
        Effect.sync(() => {
          retries = 0
        })
    }))
  }).pipe(Effect.onInterrupt(() =>
    Effect.suspend(() => {
      isRunning = false
      syncedAt = 0
      return Effect.ignore(flush)
    })
  ))

  // Taking

  const settleThrough = (position: Position.Position | undefined) => {
    if (position === undefined || !Position.isAfter(position, settled)) return
    settled = position
    toMark += 1
  }

  const readBacklog = Effect.fnUntraced(function*(from: SegmentLog.SegmentLog) {
    const after = queue.cursor
    const read = yield* Effect.result(from.read(after))
    // A segment went meanwhile.
    if (queue.cursor !== after || log !== from) return true
    if (read._tag === "Failure") {
      yield* noteUnreadable(from, after, read.failure)
      return true
    }
    const before = (yield* Clock.currentTimeMillis) - ageMaxMillis
    for (const { position, stored } of read.success) {
      if (Option.isNone(stored) || stored.value.measuredAtMillis < before) {
        const told = callbacks.get(keyOf(position))
        callbacks.delete(keyOf(position))
        const reason = Option.isNone(stored) ? "unreadable" : "expired"
        yield* told === undefined ? countGivenUp(1, reason) : giveUp([told.one], reason)
        queue.cursor = position
        continue
      }
      const isRecovered = position.segment < (firstOwn ?? 0)
      const told = callbacks.get(keyOf(position))
      if (!WaitingQueue.admit(queue, { ...stored.value, isRecovered, settled: told?.one.settled }, position)) {
        return false
      }
      callbacks.delete(keyOf(position))
    }
    // What there was is lost, and only a mark behind it is left.
    if (read.success.length === 0) queue.cursor = from.unreadAfter(after) ?? from.last()
    return true
  })

  const noteUnreadable = Effect.fnUntraced(
    function*(from: SegmentLog.SegmentLog, after: Position.Position, fault: BufferFault) {
      const segment = from.unreadAfter(after)?.segment
      if (segment === undefined) return
      const before = from.countAfter(after)
      yield* Effect.logError(`${fault.message}; what it held is given up, and the file is set aside`)
      yield* from.giveUp(segment)
      yield* dropSegment(from, segment, "unreadable", before)
    }
  )

  const isLow = () => ReportBuffer.waitingCount(front) * 2 < ahead.entriesMax && front.waitingBytes * 2 < ahead.bytesMax

  const refill = Effect.gen(function*() {
    let hasRoom = true
    // What was in flight fitted in once, and is to go whole.
    while (hasRoom && (isLow() || Position.isAfter(recoveredThrough, queue.cursor))) {
      const from = log
      if (from === undefined || !hasBacklog()) return WaitingQueue.moveUp(queue)
      hasRoom = yield* readBacklog(from)
    }
  })

  /** Those that a process before this one was sending go together again. */
  const cutBatch = (cut: Cut) => {
    if (Position.isAfter(recoveredThrough, settled)) {
      const isAmong = ({ value: { position } }: ReportBuffer.Entry<WaitingQueue.Held>) =>
        position !== undefined && !Position.isAfter(position, recoveredThrough)
      const again = ReportBuffer.takeUntil(front, (entry) => !isAmong(entry))
      recoveredThrough = Position.start
      if (again.length > 0) return again
    }
    return cutFrom(front, cut, ({ one }) => one)
  }

  const durable = Effect.gen(function*() {
    if (!isRunning || log === undefined || trouble !== undefined) return
    const waiter = yield* Deferred.make<void>()
    waiters.push(waiter)
    yield* Effect.andThen(isUrgent.open, hasWork.open)
    yield* Effect.timeoutOption(Deferred.await(waiter), durableWait)
  })

  const idOfPlace = ({ ordinal, segment }: Position.Position) =>
    Option.map(Option.flatMap(Option.fromNullishOr(log), (from) => from.idOf(segment)), (id) => `${id}.${ordinal}`)

  const idOf = (held: ReadonlyArray<WaitingQueue.Held>): string => {
    const places = [held[0], held.at(-1)].flatMap((one) =>
      one?.position === undefined ? [] : Option.toArray(idOfPlace(one.position))
    )
    batches += 1
    return places.length === 2 ? places.join("-") : `${origin}.${batches}`
  }

  const prepare = Effect.fnUntraced(function*(cut: Cut) {
    const before = (yield* Clock.currentTimeMillis) - ageMaxMillis
    const expired = WaitingQueue.dropFromFront(queue, ({ one }) => one.measuredAtMillis < before)
    settleThrough(expired.findLast(({ position }) => position !== undefined)?.position)
    yield* giveUp(expired.map(({ one }) => one), "expired")
    yield* refill
    batchId = undefined
    if (cutBatch(cut).length > 0) toMark += 1
    if (ReportBuffer.size(front) === 0) settleThrough(queue.cursor)
  })

  const take = Effect.fnUntraced(function*(cut: Cut) {
    if (front.inFlight.length === 0) yield* prepare(cut)
    const held = front.inFlight.map(({ value }) => value)
    if (held.length === 0) return Option.none()
    if (batchId === undefined) {
      yield* durable
      batchId = idOf(held)
    }
    yield* noteSize
    return Option.some({ id: batchId, statuses: held.map(({ one }) => one) })
  })

  const settle = Effect.suspend(() => {
    for (const { value } of front.inFlight) WaitingQueue.finish(queue, value)
    settleThrough(front.inFlight.findLast(({ value }) => value.position !== undefined)?.value.position)
    ReportBuffer.settle(front)
    if (sizeNow() === 0) isFullNoted = false
    return Effect.andThen(hasWork.open, noteSize)
  })

  const offer = Effect.fnUntraced(function*(one: WaitingStatus) {
    const gone = WaitingQueue.offer(queue, one, hasBacklog())
    if (gone.length > 0) yield* giveUp(gone, "full")
    yield* Effect.andThen(hasWork.open, noteSize)
  }, Effect.uninterruptible)

  const troubleNow = Effect.map(Clock.currentTimeMillis, (now) => {
    if (trouble !== undefined) return Option.some(trouble.message)
    return busySince !== undefined && now - busySince > Duration.toMillis(hangingAfter)
      ? Option.some(`${files.folder}: no answer of the disk for ${Duration.format(Duration.millis(now - busySince))}`)
      : Option.none()
  })

  yield* openLog.pipe(Effect.catch(noteTrouble))

  return StatusBuffer.of({
    offer,
    take,
    settle,
    size: Effect.sync(sizeNow),
    folder: Effect.sync(() => trouble === undefined && log !== undefined ? Option.some(files.folder) : Option.none()),
    trouble: troubleNow,
    run
  })
})

const diskBytes = Metric.withAttributes(PollerMetrics.reportBufferBytes, { place: "disk" })
