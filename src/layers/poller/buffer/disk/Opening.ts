/** Takes the folder, and learns what a process before this one left there. */
import { Effect, Exit, Scope } from "effect"
import { newOrigin } from "../../../../services/poller/buffer/MemoryStatusBuffer.ts"
import { countGivenUp, giveUp } from "../../../../services/poller/buffer/StatusBuffer.ts"
import * as SegmentLog from "../SegmentLog.ts"
import * as WaitingQueue from "../WaitingQueue.ts"
import { type DiskState, noteSize } from "./DiskState.ts"

/** Files of this process are gone: what nothing else holds is lost, and what is in memory is to be written anew. */
const noteGone = Effect.fnUntraced(function*(state: DiskState, opened: SegmentLog.SegmentLog) {
  const { callbacks, files, leftBehind = 0, queue } = state
  const left = opened.countAfter(queue.cursor)
  const lost = Math.max(0, leftBehind - left)
  state.leftBehind = undefined
  if (left === 0) {
    const told = [...callbacks.values()].map(({ one }) => one)
    callbacks.clear()
    yield* giveUp(told, "unreadable")
    yield* countGivenUp(Math.max(0, lost - told.length), "unreadable")
    WaitingQueue.writeAgain(queue)
  } else yield* countGivenUp(lost, "unreadable")
  yield* Effect.logError(
    `files in ${files.folder} were removed; ${lost} statuses are lost, the others are written anew`
  )
})

/** What is open belongs to `owner` until the log is closed. */
export const openLog = (state: DiskState, owner: Scope.Scope) =>
  Effect.uninterruptible(Effect.gen(function*() {
    const { files, queue, segmentBytes } = state
    const scope = yield* Scope.fork(owner)
    const numbersFrom = Math.max(queue.cursor.segment, state.settled.segment) + 1
    const opened = yield* SegmentLog.open({ files, segmentBytes, newId: newOrigin, numbersFrom }).pipe(
      Scope.provide(scope),
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
    )
    state.log = opened
    state.logScope = scope
    yield* Effect.forEach(opened.recovered.notes, (note) => Effect.logWarning(`${files.folder}: ${note}`))
    if (state.firstOwn === undefined) {
      state.firstOwn = opened.firstOwn
      const { lost, mark } = opened.recovered
      yield* countGivenUp(lost, "unreadable")
      state.settled = mark.settled
      queue.cursor = mark.settled
      state.recoveredThrough = mark.inFlight
      WaitingQueue.stepBehind(queue)
      const left = opened.countAfter(state.settled)
      if (left > 0) yield* Effect.logInfo(`${left} statuses of before the start wait in ${files.folder}`)
    } else if (state.leftBehind !== undefined) yield* noteGone(state, opened)
    // What core has all of is removed when a mark says so that is on the disk.
    if (opened.recovered.segments.length > 0) state.toMark += 1
    yield* state.hasWork.open
    yield* noteSize(state)
  }))
