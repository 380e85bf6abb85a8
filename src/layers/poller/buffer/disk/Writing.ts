/**
 * Brings what is in memory to the disk, with marks of how far core has come, and waits out what the disk does not take.
 *
 * Statuses that come within 50 ms share a write; a second later at the latest they are synced, and at once for a report.
 */
import { Deferred, Duration, Effect, Option, Random, type Scope } from "effect"
import * as Backoff from "../../../../domain/backoff/Backoff.ts"
import type * as Mark from "../../../../domain/poller/segments/Mark.ts"
import * as Position from "../../../../domain/poller/segments/Position.ts"
import * as Monotonic from "../../../../services/clock/Monotonic.ts"
import type { BufferFault } from "../SegmentFiles.ts"
import type { SegmentLog } from "../SegmentLog.ts"
import * as WaitingQueue from "../WaitingQueue.ts"
import {
  closeLog,
  type DiskState,
  keyOf,
  noteBytes,
  noteSize,
  noteTrouble,
  noteWell,
  settleThrough
} from "./DiskState.ts"
import { dropExpired, makeRoom } from "./GivingUp.ts"
import { openLog } from "./Opening.ts"

/** One write; what is larger goes alone. */
const groupBytesMax = 1_048_576
/** Statuses that come within it share a write. */
const gather = Duration.millis(50)
const syncEvery = Duration.seconds(1)
/** A report is not held up for longer by a disk that does not answer. */
const durableWait = Duration.seconds(2)
const lookEvery = Duration.minutes(1)
const retry = { from: "1 second", to: "30 seconds" } as const

/** Undefined when it cannot be said yet. */
const markWith = (
  { queue: { front }, settled }: DiskState,
  group: ReadonlyArray<WaitingQueue.Held>,
  positions: ReadonlyArray<Position.Position>
): Mark.Mark | undefined => {
  const last = front.inFlight.at(-1)?.value
  if (last === undefined || last.isMemoryOnly) return { settled, inFlight: settled }
  const inFlight = last.position ?? positions[group.indexOf(last)]
  return inFlight === undefined ? undefined : { settled, inFlight }
}

/** Core may have taken them before they were on the disk. */
const settleWritten = (state: DiskState, before: Position.Position, group: ReadonlyArray<WaitingQueue.Held>): void => {
  if (Position.isAfter(before, state.settled)) return
  const left = group.findIndex(({ isOver }) => !isOver)
  settleThrough(state, group[(left < 0 ? group.length : left) - 1]?.position)
}

const writeGroup = Effect.fnUntraced(function*(state: DiskState, to: SegmentLog) {
  const { callbacks, queue } = state
  const group = WaitingQueue.beginWrite(queue, groupBytesMax)
  const version = state.toMark
  const before = to.last()
  let mark: Mark.Mark | undefined
  const positions = yield* Effect.andThen(
    makeRoom(state, to, group.reduce((sum, { bytes }) => sum + bytes, 0)),
    to.append(group.map(({ one }) => one), (places) => {
      mark = version === state.marked ? undefined : markWith(state, group, places)
      return mark
    })
  ).pipe(Effect.onError(() => Effect.sync(() => WaitingQueue.writeFailed(queue))))
  WaitingQueue.written(queue, positions)
  settleWritten(state, before, group)
  for (const { isInFront, isOver, one, position } of group) {
    if (isInFront || isOver || one.settled === undefined || position === undefined) continue
    callbacks.set(keyOf(position), { at: position, one })
  }
  state.isUnsynced = true
  if (mark === undefined) return group.length > 0
  state.marked = version
  state.writtenSettled = mark.settled
  return true
})

const hasToWrite = ({ marked, queue, toMark }: DiskState) => queue.unwrittenCount > 0 || toMark !== marked

const writeAll = Effect.fnUntraced(function*(state: DiskState, to: SegmentLog, isSyncWanted: boolean) {
  // A mark waits for the group that its last status is in.
  while (hasToWrite(state)) if (!(yield* writeGroup(state, to))) break
  const now = yield* Monotonic.millis
  if (state.isUnsynced && (isSyncWanted || now - state.syncedAt >= Duration.toMillis(syncEvery))) {
    state.isUnsynced = false
    yield* to.sync
    state.syncedAt = now
    state.durableSettled = state.writtenSettled
  }
})

/**
 * A disk that is full takes no mark that core has something, and without one the file would stay that fills it: so it goes
 * without. A power failure now has nothing to lose of it.
 */
const freeSettled = (state: DiskState, log: SegmentLog) =>
  state.trouble === undefined ? Effect.void : log.removeSettled(state.settled)

/** Nobody waits for a disk that does not take it. */
const tell = (waiters: ReadonlyArray<Deferred.Deferred<void>>) =>
  Effect.forEach(waiters, (waiter) => Deferred.succeed(waiter, undefined), { discard: true })

/** Whole: what is begun on a disk is ended. */
const flush = (state: DiskState) =>
  Effect.uninterruptible(
    Effect.gen(function*() {
      const to = state.log
      if (to === undefined) return
      state.busySince = yield* Monotonic.millis
      // Whoever comes to wait from here on waits for the next flush.
      const told = state.waiters
      state.waiters = []
      yield* Effect.ensuring(
        Effect.andThen(freeSettled(state, to), writeAll(state, to, told.length > 0)),
        tell(told)
      )
      yield* to.removeSettled(state.durableSettled)
      yield* dropExpired(state, to)
      yield* noteWell(state)
      yield* Effect.andThen(noteSize(state), noteBytes(state))
    }).pipe(Effect.ensuring(Effect.sync(() => {
      state.busySince = undefined
    })))
  )

const untilSync = ({ isUnsynced, syncedAt }: DiskState) =>
  Effect.map(Monotonic.millis, (now) =>
    isUnsynced
      ? Duration.millis(Math.max(0, syncedAt + Duration.toMillis(syncEvery) - now))
      : lookEvery)

const round = Effect.fnUntraced(function*(state: DiskState, owner: Scope.Scope) {
  if (state.log === undefined) yield* openLog(state, owner)
  yield* state.isReady.open
  yield* Effect.timeoutOption(state.hasWork.await, yield* untilSync(state))
  yield* Effect.timeoutOption(state.isUrgent.await, gather)
  yield* Effect.andThen(state.hasWork.close, state.isUrgent.close)
  yield* flush(state)
})

const recoverFrom = Effect.fnUntraced(function*(state: DiskState, fault: BufferFault, retries: number) {
  yield* noteTrouble(state, fault)
  yield* tell(state.waiters.splice(0))
  yield* state.isReady.open
  // What was there is there no more.
  if (fault.isAbsent) {
    state.leftBehind ??= state.log?.countAfter(state.queue.cursor)
    yield* closeLog(state)
  }
  yield* Effect.sleep(Backoff.delay(retry, retries, yield* Random.next))
  // The next round is to try the disk.
  state.toMark += 1
  yield* state.hasWork.open
})

/** Until it is interrupted; then what is left is written. */
export const run = (state: DiskState, owner: Scope.Scope): Effect.Effect<never> =>
  Effect.gen(function*() {
    state.isRunning = true
    let retries = 0
    return yield* Effect.forever(Effect.matchEffect(round(state, owner), {
      onFailure: (fault) => recoverFrom(state, fault, retries++),
      onSuccess: () =>
        Effect.sync(() => {
          retries = 0
        })
    }))
  }).pipe(Effect.onInterrupt(() =>
    Effect.suspend(() => {
      state.isRunning = false
      state.syncedAt = -Infinity
      return Effect.ignore(flush(state))
    })
  ))

/** Waits until what is in flight is on the disk, or cannot be; false while nobody can say which it will be. */
export const isDecided = Effect.fnUntraced(function*(state: DiskState) {
  if (!state.isRunning || state.log === undefined || state.trouble !== undefined) return true
  const waiter = yield* Deferred.make<void>()
  state.waiters.push(waiter)
  yield* Effect.andThen(state.isUrgent.open, state.hasWork.open)
  return Option.isSome(yield* Effect.timeoutOption(Deferred.await(waiter), durableWait))
})
