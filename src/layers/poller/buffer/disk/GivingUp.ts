/** What goes without having reached core: the oldest segments, when there is no room or they are too old. */
import { Clock, Effect, Option } from "effect"
import { countGivenUp, type GivenUp, giveUp } from "../../../../services/poller/buffer/StatusBuffer.ts"
import type { SegmentLog } from "../SegmentLog.ts"
import * as WaitingQueue from "../WaitingQueue.ts"
import type { DiskState } from "./DiskState.ts"

const noteFull = (state: DiskState, reason: GivenUp) =>
  Effect.suspend(() => {
    if (reason !== "full" || state.isFullNoted) return Effect.void
    state.isFullNoted = true
    return Effect.logWarning(`${state.files.folder} is full: the oldest statuses are given up`)
  })

/** Of a segment that is gone; `before`: how many waited on the disk when it was there. */
export const dropSegment = Effect.fnUntraced(
  function*(state: DiskState, from: SegmentLog, segment: number, reason: GivenUp, before: number) {
    const { callbacks, queue } = state
    const gone = WaitingQueue.dropSegment(queue, segment).map(({ one }) => one)
    const onDisk = before - from.countAfter(queue.cursor)
    const told = [...callbacks].filter(([, { at }]) => at.segment <= segment)
    for (const [key] of told) callbacks.delete(key)
    yield* giveUp([...gone, ...told.map(([, { one }]) => one)], reason)
    yield* countGivenUp(Math.max(0, onDisk - told.length), reason)
    yield* noteFull(state, reason)
    state.toMark += 1
  }
)

const dropOldest = Effect.fnUntraced(function*(state: DiskState, from: SegmentLog, reason: GivenUp) {
  const before = from.countAfter(state.queue.cursor)
  const number = yield* from.dropOldest
  if (Option.isSome(number)) yield* dropSegment(state, from, number.value, reason, before)
  return Option.isSome(number)
})

export const makeRoom = Effect.fnUntraced(function*(state: DiskState, to: SegmentLog, bytes: number) {
  while (to.bytes() > 0 && to.bytes() + bytes > state.bytesMax) if (!(yield* dropOldest(state, to, "full"))) return
})

export const dropExpired = Effect.fnUntraced(function*(state: DiskState, from: SegmentLog) {
  const before = (yield* Clock.currentTimeMillis) - state.ageMaxMillis
  for (let oldest = from.oldest(); oldest !== undefined; oldest = from.oldest()) {
    if (oldest.newestMillis >= before || oldest.statuses === 0) return
    yield* dropOldest(state, from, "expired")
  }
})
