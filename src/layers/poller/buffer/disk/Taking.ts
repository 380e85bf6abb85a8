/**
 * Cuts batches from what waits in memory, and reads what waits on the disk into it.
 *
 * What a process before this one was sending goes together again, under the same id.
 */
import { Clock, Effect, Option } from "effect"
import * as LastKnown from "../../../../domain/monitoring/reports/LastKnown.ts"
import * as ReportBuffer from "../../../../domain/monitoring/reports/ReportBuffer.ts"
import * as Position from "../../../../domain/poller/segments/Position.ts"
import { cutFrom } from "../../../../services/poller/buffer/MemoryStatusBuffer.ts"
import { countGivenUp, type Cut, giveUp } from "../../../../services/poller/buffer/StatusBuffer.ts"
import * as LargeBytes from "../../LargeBytes.ts"
import type { BufferFault } from "../SegmentFiles.ts"
import type { SegmentLog } from "../SegmentLog.ts"
import * as WaitingQueue from "../WaitingQueue.ts"
import { type DiskState, hasBacklog, keyOf, noteSize, settleThrough, size } from "./DiskState.ts"
import { dropSegment } from "./GivingUp.ts"
import { isDecided } from "./Writing.ts"

const noteUnreadable = Effect.fnUntraced(
  function*(state: DiskState, from: SegmentLog, after: Position.Position, fault: BufferFault) {
    const segment = from.unreadAfter(after)?.segment
    if (segment === undefined) return
    const before = from.countAfter(after)
    yield* Effect.logError(`${fault.message}; what it held is given up, and the file is set aside`)
    yield* from.giveUp(segment)
    yield* dropSegment(state, from, segment, "unreadable", before)
  }
)

/** False when there is no room for more. */
const readBacklog = Effect.fnUntraced(function*(state: DiskState, from: SegmentLog) {
  const { callbacks, queue } = state
  const after = queue.cursor
  const read = yield* Effect.result(from.read(after))
  // A segment went meanwhile.
  if (queue.cursor !== after || state.log !== from) return true
  if (read._tag === "Failure") {
    yield* noteUnreadable(state, from, after, read.failure)
    return true
  }
  const before = (yield* Clock.currentTimeMillis) - state.ageMaxMillis
  for (const { position, stored } of read.success) {
    const told = callbacks.get(keyOf(position))
    if (Option.isNone(stored) || stored.value.measuredAtMillis < before) {
      callbacks.delete(keyOf(position))
      const reason = Option.isNone(stored) ? "unreadable" : "expired"
      yield* told === undefined ? countGivenUp(1, reason) : giveUp([told.one], reason)
      queue.cursor = position
      continue
    }
    const isRecovered = position.segment < (state.firstOwn ?? 0)
    if (!WaitingQueue.admit(queue, { ...stored.value, isRecovered, settled: told?.one.settled }, position)) {
      return false
    }
    callbacks.delete(keyOf(position))
  }
  // What there was is lost, and only a mark behind it is left.
  if (read.success.length === 0) queue.cursor = from.unreadAfter(after) ?? from.last()
  return true
})

const isLow = ({ ahead, queue: { front } }: DiskState) =>
  ReportBuffer.waitingCount(front) * 2 < ahead.entriesMax && front.waitingBytes * 2 < ahead.bytesMax

const refill = Effect.fnUntraced(function*(state: DiskState) {
  let hasRoom = true
  // What was in flight fitted in once, and is to go whole.
  while (hasRoom && (isLow(state) || Position.isAfter(state.recoveredThrough, state.queue.cursor))) {
    const from = state.log
    if (from === undefined || !hasBacklog(state)) return WaitingQueue.moveUp(state.queue)
    hasRoom = yield* readBacklog(state, from)
  }
})

/**
 * Not with what another process has measured: a report that a disk was too slow to mark in time is the same one for the
 * process after the next, too, when it is made of what one process has left.
 */
const mayGoTogether = (oldest: WaitingQueue.Held, held: WaitingQueue.Held): boolean =>
  oldest.one.isRecovered !== true || isOfOneFile(oldest, held)

const isOfOneFile = (oldest: WaitingQueue.Held, held: WaitingQueue.Held): boolean =>
  oldest.position?.segment === held.position?.segment

/**
 * What is in flight is not marked in the files, and the process after this one would cut it by itself: so what stands on
 * the disk does not go with what is in memory alone, which that process does not have.
 */
const keepApart = (state: DiskState): void => {
  if (state.marked !== state.toMark && !state.isSentAgain) ReportBuffer.takeBack(state.queue.front, isOfOneFile)
}

/** Those that a process before this one was sending go together again. */
const cutBatch = (state: DiskState, cut: Cut) => {
  const { queue: { front }, recoveredThrough } = state
  if (Position.isAfter(recoveredThrough, state.settled)) {
    const isAmong = ({ value: { position } }: ReportBuffer.Entry<WaitingQueue.Held>) =>
      position !== undefined && !Position.isAfter(position, recoveredThrough)
    const again = ReportBuffer.takeUntil(front, (entry) => !isAmong(entry))
    state.recoveredThrough = Position.start
    state.isSentAgain = again.length > 0
    if (state.isSentAgain) return again
  }
  return cut._tag === "Parts"
    ? ReportBuffer.take(front, cut.limits, mayGoTogether)
    : cutFrom(front, cut, ({ one }) => one)
}

const prepare = Effect.fnUntraced(function*(state: DiskState, cut: Cut) {
  const before = (yield* Clock.currentTimeMillis) - state.ageMaxMillis
  const expired = WaitingQueue.dropFromFront(state.queue, ({ one }) => one.measuredAtMillis < before)
  settleThrough(state, expired.findLast(({ position }) => position !== undefined)?.position)
  yield* giveUp(expired.map(({ one }) => one), "expired")
  yield* refill(state)
  state.batchId = undefined
  state.isSentAgain = false
  if (cutBatch(state, cut).length > 0) state.toMark += 1
  if (ReportBuffer.size(state.queue.front) === 0) settleThrough(state, state.queue.cursor)
})

const idOfPlace = ({ log }: DiskState, { ordinal, segment }: Position.Position) =>
  Option.map(Option.flatMap(Option.fromNullishOr(log), (from) => from.idOf(segment)), (id) => `${id}.${ordinal}`)

/** `origin` is of a process, for what is in no folder. */
const idOf = (state: DiskState, origin: string): string => {
  const { inFlight } = state.queue.front
  const places = [inFlight[0], inFlight.at(-1)].flatMap((one) =>
    one?.value.position === undefined ? [] : Option.toArray(idOfPlace(state, one.value.position))
  )
  state.batches += 1
  return places.length === 2 ? places.join("-") : `${origin}.${state.batches}`
}

/** A message that is still to be written would be written without its bytes. */
const isSpent = ({ one: { status }, position }: WaitingQueue.Held): boolean =>
  position !== undefined && !LastKnown.keepsMessage(status)

/** Large messages that are left to a collection bring one of the whole heap about. */
const releaseSpent = (state: DiskState): void => {
  for (const { message } of state.spent) LargeBytes.releaseAlone(message)
  state.spent = []
}

export const take = Effect.fnUntraced(function*(state: DiskState, cut: Cut, origin: string) {
  const { front } = state.queue
  releaseSpent(state)
  if (front.inFlight.length === 0) yield* prepare(state, cut)
  if (front.inFlight.length === 0) return Option.none()
  if (state.batchId === undefined) {
    if (yield* isDecided(state)) keepApart(state)
    state.batchId = idOf(state, origin)
  }
  yield* noteSize(state)
  return Option.some({ id: state.batchId, statuses: front.inFlight.map(({ value }) => value.one) })
})

export const settle = (state: DiskState) =>
  Effect.suspend(() => {
    const { front } = state.queue
    for (const { value } of front.inFlight) WaitingQueue.finish(state.queue, value)
    state.spent = front.inFlight.flatMap(({ value }) => isSpent(value) ? [value.one.status] : [])
    settleThrough(state, front.inFlight.findLast(({ value }) => value.position !== undefined)?.value.position)
    ReportBuffer.settle(front)
    if (size(state) === 0) state.isFullNoted = false
    return Effect.andThen(state.hasWork.open, noteSize(state))
  })
