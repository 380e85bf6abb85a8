/**
 * What the parts of one disk buffer share: what is in memory, the log of the folder while it is open, and how far core,
 * the marks and the disk have come. Belongs to one buffer and changes in place.
 */
import { type Deferred, Duration, Effect, Exit, Latch, Metric, Option, Scope } from "effect"
import * as ReportBuffer from "../../../../domain/monitoring/reports/ReportBuffer.ts"
import type { ServiceStatus } from "../../../../domain/monitoring/reports/ServiceStatus.ts"
import * as Position from "../../../../domain/poller/segments/Position.ts"
import * as Monotonic from "../../../../services/clock/Monotonic.ts"
import { memoryBytes } from "../../../../services/poller/buffer/MemoryStatusBuffer.ts"
import type { WaitingStatus } from "../../../../services/poller/buffer/StatusBuffer.ts"
import * as PollerMetrics from "../../../../services/poller/PollerMetrics.ts"
import type { BufferFault, SegmentFiles } from "../SegmentFiles.ts"
import type { SegmentLog } from "../SegmentLog.ts"
import * as WaitingQueue from "../WaitingQueue.ts"

export interface Options {
  readonly files: SegmentFiles
  /** Of all segments. */
  readonly bytesMax: number
  /** Of one segment. */
  readonly segmentBytes: number
  readonly ageMaxMillis: number
  /** What is held in memory of those that are to go next. */
  readonly ahead: ReportBuffer.Limits
}

/** A place that a fiber waits for, of a status that is on the disk alone. */
export interface Told {
  readonly at: Position.Position
  readonly one: WaitingStatus
}

export interface DiskState extends Options {
  readonly queue: WaitingQueue.WaitingQueue
  /** Something is to be done, and at once. */
  readonly hasWork: Latch.Latch
  readonly isUrgent: Latch.Latch
  /** What was there before is known, or cannot be. */
  readonly isReady: Latch.Latch
  log: SegmentLog | undefined
  logScope: Scope.Closeable | undefined
  /** The number of the first segment that this process began. */
  firstOwn: number | undefined
  settled: Position.Position
  /** A process before this one was sending up to here. */
  recoveredThrough: Position.Position
  /** What is in flight is what a process before this one was sending: the mark of that stands in the files. */
  isSentAgain: boolean
  batchId: string | undefined
  /** Core has them, and no report shows them again: their messages are nobody's once the batch after them is taken. */
  spent: ReadonlyArray<ServiceStatus>
  batches: number
  /** What is to be marked changes, and what is marked follows. */
  toMark: number
  marked: number
  /** As the newest mark in the files has it, and as a power failure would leave it. */
  writtenSettled: Position.Position
  durableSettled: Position.Position
  isUnsynced: boolean
  /** How many waited on the disk alone when its files turned out to be gone. */
  leftBehind: number | undefined
  /** Not by the time of day: after a step of that nothing would be synced for as long as it went ahead. */
  syncedAt: number
  busySince: number | undefined
  isRunning: boolean
  isFullNoted: boolean
  trouble: BufferFault | undefined
  waiters: Array<Deferred.Deferred<void>>
  readonly callbacks: Map<string, Told>
}

export const make = (options: Options, memory: ReportBuffer.Limits): DiskState => ({
  ...options,
  queue: WaitingQueue.make(memory, options.ahead),
  hasWork: Latch.makeUnsafe(),
  isUrgent: Latch.makeUnsafe(),
  isReady: Latch.makeUnsafe(),
  log: undefined,
  logScope: undefined,
  firstOwn: undefined,
  settled: Position.start,
  recoveredThrough: Position.start,
  isSentAgain: false,
  batchId: undefined,
  spent: [],
  batches: 0,
  toMark: 0,
  marked: 0,
  writtenSettled: Position.start,
  durableSettled: Position.start,
  isUnsynced: false,
  leftBehind: undefined,
  syncedAt: -Infinity,
  busySince: undefined,
  isRunning: false,
  isFullNoted: false,
  trouble: undefined,
  waiters: [],
  callbacks: new Map()
})

/** After which a disk that does not answer is in trouble. */
const hangingAfter = Duration.seconds(5)

export const keyOf = ({ ordinal, segment }: Position.Position): string => `${segment}.${ordinal}`

export const hasBacklog = ({ log, queue }: DiskState): boolean =>
  log !== undefined && Position.isAfter(log.last(), queue.cursor)

export const size = ({ log, queue }: DiskState): number =>
  ReportBuffer.size(queue.front) + queue.behind + (log?.countAfter(queue.cursor) ?? 0)

export const noteSize = (state: DiskState) =>
  Effect.suspend(() => Metric.update(PollerMetrics.reportBufferSize, size(state)))

const diskBytes = Metric.withAttributes(PollerMetrics.reportBufferBytes, { place: "disk" })

export const noteBytes = ({ log, queue }: DiskState) =>
  Effect.andThen(Metric.update(memoryBytes, queue.front.waitingBytes), Metric.update(diskBytes, log?.bytes() ?? 0))

export const noteTrouble = Effect.fnUntraced(function*(state: DiskState, fault: BufferFault) {
  if (state.trouble === undefined) yield* Effect.logWarning(`${fault.message}; statuses are kept in memory meanwhile`)
  state.trouble = fault
})

export const noteWell = (state: DiskState) =>
  Effect.suspend(() => {
    if (state.trouble === undefined) return Effect.void
    state.trouble = undefined
    return Effect.logInfo(`${state.files.folder} takes statuses again`)
  })

export const troubleNow = (state: DiskState) =>
  Effect.map(Monotonic.millis, (now) => {
    const { busySince, files, trouble } = state
    if (trouble !== undefined) return Option.some(trouble.message)
    return busySince !== undefined && now - busySince > Duration.toMillis(hangingAfter)
      ? Option.some(`${files.folder}: no answer of the disk for ${Duration.format(Duration.millis(now - busySince))}`)
      : Option.none()
  })

/** Core has, or will never get, what stands up to here. */
export const settleThrough = (state: DiskState, position: Position.Position | undefined): void => {
  if (position === undefined || !Position.isAfter(position, state.settled)) return
  state.settled = position
  state.toMark += 1
}

export const closeLog = (state: DiskState) =>
  Effect.suspend(() => {
    const { logScope } = state
    state.log = undefined
    state.logScope = undefined
    return logScope === undefined ? Effect.void : Scope.close(logScope, Exit.void)
  })
