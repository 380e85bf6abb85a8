/**
 * Which of the waiting statuses are in memory, and how far those on the disk have been read.
 *
 *   front      the oldest, from which batches are taken
 *   backlog    on the disk alone, behind `cursor`
 *   unwritten  the newest, not on the disk yet; those that nothing but the front's own stands before are in the front too
 *
 * Belongs to one buffer and changes in place.
 */
import * as ReportBuffer from "../../../domain/monitoring/reports/ReportBuffer.ts"
import * as Position from "../../../domain/poller/segments/Position.ts"
import { entryOf } from "../../../services/poller/buffer/MemoryStatusBuffer.ts"
import type { WaitingStatus } from "../../../services/poller/buffer/StatusBuffer.ts"

export interface Held {
  readonly one: WaitingStatus
  readonly bytes: number
  /** Undefined while it is not on the disk. */
  position: Position.Position | undefined
  isInFront: boolean
  /** Core has it, or it was given up. */
  isOver: boolean
  /** It is taken before anything on the disk is, so it must not come to stand behind that. */
  isMemoryOnly: boolean
}

export interface WaitingQueue {
  /** Of what is unwritten. */
  readonly limits: ReportBuffer.Limits
  readonly front: ReportBuffer.ReportBuffer<Held>
  /** Are being written now. */
  writing: ReadonlyArray<Held>
  pending: Array<Held>
  /** Of `writing` and `pending`, without those that are over. */
  unwrittenCount: number
  unwrittenBytes: number
  /** Unwritten and not in the front. */
  behind: number
  /** What the disk has up to here is in the front, or over. */
  cursor: Position.Position
}

export const make = (limits: ReportBuffer.Limits, front: ReportBuffer.Limits): WaitingQueue => ({
  limits,
  front: ReportBuffer.make<Held>(front),
  writing: [],
  pending: [],
  unwrittenCount: 0,
  unwrittenBytes: 0,
  behind: 0,
  cursor: Position.start
})

const ordinalMax = 2 ** 32 - 1

export const endOf = (segment: number): Position.Position => ({ segment, ordinal: ordinalMax })

const entry = (held: Held): ReportBuffer.Entry<Held> => ({
  value: held,
  bytes: held.bytes,
  measuredAtMillis: held.one.measuredAtMillis
})

export const heldOf = (one: WaitingStatus, position?: Position.Position): Held => ({
  one,
  bytes: entryOf(one).bytes,
  position,
  isInFront: false,
  isOver: false,
  isMemoryOnly: false
})

/** Core has it, or it was given up: it is not to be written any more. */
export const finish = (queue: WaitingQueue, held: Held): void => {
  if (held.isOver) return
  held.isOver = true
  if (held.position !== undefined || held.isMemoryOnly) return
  queue.unwrittenCount -= 1
  queue.unwrittenBytes -= held.bytes
}

const toFront = (queue: WaitingQueue, held: Held): void => {
  held.isInFront = true
  ReportBuffer.offer(queue.front, entry(held))
}

/** From the front: the oldest, for as long as they are to go. */
export const dropFromFront = (queue: WaitingQueue, isToGo: (held: Held) => boolean): ReadonlyArray<Held> => {
  const gone = ReportBuffer.dropWhile(queue.front, ({ value }) => isToGo(value))
  for (const held of gone) finish(queue, held)
  return gone
}

/** The oldest that is neither in flight nor on the disk alone. */
const dropOne = (queue: WaitingQueue, hasBacklog: boolean): Held | undefined => {
  if (!hasBacklog && ReportBuffer.waitingCount(queue.front) > 0) {
    let dropped = 0
    return dropFromFront(queue, () => dropped++ === 0)[0]
  }
  const index = queue.pending.findIndex(({ isInFront, isOver }) => !isInFront && !isOver)
  const [held] = index < 0 ? [] : queue.pending.splice(index, 1)
  if (held === undefined) return undefined
  queue.behind -= 1
  finish(queue, held)
  return held
}

/** Adds the newest, and gives back what had to go for it because the disk does not take as much as is measured. */
export const offer = (queue: WaitingQueue, one: WaitingStatus, hasBacklog: boolean): ReadonlyArray<WaitingStatus> => {
  const held = heldOf(one)
  queue.pending.push(held)
  queue.unwrittenCount += 1
  queue.unwrittenBytes += held.bytes
  if (!hasBacklog && queue.behind === 0 && ReportBuffer.hasRoom(queue.front, held.bytes)) toFront(queue, held)
  else queue.behind += 1
  const gone: Array<WaitingStatus> = []
  const { bytesMax, entriesMax } = queue.limits
  while (queue.unwrittenCount > 1 && (queue.unwrittenCount > entriesMax || queue.unwrittenBytes > bytesMax)) {
    const oldest = dropOne(queue, hasBacklog)
    if (oldest === undefined) break
    gone.push(oldest.one)
  }
  if (queue.pending.length > 2 * queue.unwrittenCount + 1_000) compact(queue)
  return gone
}

const compact = (queue: WaitingQueue): void => {
  queue.pending = queue.pending.filter(({ isMemoryOnly, isOver }) => !isOver && !isMemoryOnly)
}

/** Moves up what waits in memory behind the front; only when there is no backlog. */
export const moveUp = (queue: WaitingQueue): void => {
  if (queue.behind === 0) return
  for (const held of [...queue.writing, ...queue.pending]) {
    if (held.isInFront || held.isOver || held.position !== undefined) continue
    if (!ReportBuffer.hasRoom(queue.front, held.bytes)) return
    toFront(queue, held)
    queue.behind -= 1
  }
}

/** Takes the next of the backlog; false when there is no room. */
export const admit = (queue: WaitingQueue, one: WaitingStatus, position: Position.Position): boolean => {
  const held = heldOf(one, position)
  if (!ReportBuffer.hasRoom(queue.front, held.bytes)) return false
  toFront(queue, held)
  queue.cursor = position
  return true
}

/** The oldest of what is to be written, at most about so many bytes. */
export const beginWrite = (queue: WaitingQueue, bytesMax: number): ReadonlyArray<Held> => {
  compact(queue)
  let bytes = 0
  const end = queue.pending.findIndex((held, index) => (bytes += held.bytes) > bytesMax && index > 0)
  queue.writing = queue.pending.splice(0, end < 0 ? queue.pending.length : end)
  return queue.writing
}

export const written = (queue: WaitingQueue, positions: ReadonlyArray<Position.Position>): void => {
  queue.writing.forEach((held, index) => {
    const position = positions[index]
    if (position === undefined) return
    held.position = position
    if (held.isInFront) queue.cursor = position
    else queue.behind -= 1
    if (held.isOver) return
    queue.unwrittenCount -= 1
    queue.unwrittenBytes -= held.bytes
  })
  queue.writing = []
}

export const writeFailed = (queue: WaitingQueue): void => {
  queue.pending = [...queue.writing, ...queue.pending]
  queue.writing = []
}

/** What is on the disk is older than all that is here: that is taken first, but for what is in flight already. */
export const stepBehind = (queue: WaitingQueue): void => {
  for (const { value: held } of queue.front.inFlight) {
    if (held.position !== undefined || held.isOver) continue
    held.isMemoryOnly = true
    queue.unwrittenCount -= 1
    queue.unwrittenBytes -= held.bytes
  }
  for (const held of ReportBuffer.dropWhile(queue.front, () => true)) {
    held.isInFront = false
    queue.behind += 1
  }
  compact(queue)
}

/** A segment is gone: gives back what of it was in the front. */
export const dropSegment = (queue: WaitingQueue, segment: number): ReadonlyArray<Held> => {
  const gone = dropFromFront(queue, ({ position }) => position !== undefined && position.segment <= segment)
  queue.cursor = Position.latest(queue.cursor, endOf(segment))
  return gone
}

/** The files that they stood in are gone, and nothing else stands in others: what is in memory of them is written again. */
export const writeAgain = (queue: WaitingQueue): void => {
  const { first, inFlight, slots } = queue.front
  const lost = [...inFlight, ...slots.slice(first)].flatMap((entry) =>
    entry?.value.position === undefined || entry.value.isOver ? [] : [entry.value]
  )
  for (const held of lost) {
    held.position = undefined
    queue.unwrittenCount += 1
    queue.unwrittenBytes += held.bytes
  }
  queue.pending = [...lost, ...queue.pending]
}
