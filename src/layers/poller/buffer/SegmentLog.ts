/**
 * The segments of a folder as one log: appended to at its end, read from any place, removed from its beginning.
 *
 * Each process begins a segment of its own, so nothing is ever written behind a torn tail. A segment is synced, and its
 * name is, before anything counts as written to it; see `sync` for what comes after.
 */
import { Effect, Option, type Scope } from "effect"
import * as Mark from "../../../domain/poller/segments/Mark.ts"
import * as Position from "../../../domain/poller/segments/Position.ts"
import * as SegmentFormat from "../../../domain/poller/segments/SegmentFormat.ts"
import * as StoredStatus from "../../../domain/poller/segments/StoredStatus.ts"
import { checksum } from "./checksum.ts"
import type { BufferFault, SegmentFile, SegmentFiles } from "./SegmentFiles.ts"
import * as SegmentReading from "./SegmentReading.ts"
import * as SegmentRecovery from "./SegmentRecovery.ts"

export interface SegmentLog extends SegmentReading.SegmentReading {
  readonly recovered: SegmentRecovery.Recovered
  /** The number of the first segment that this process begins. */
  readonly firstOwn: number
  /** Of the newest status; before every other when there is none. */
  readonly last: () => Position.Position
  readonly bytes: () => number
  /** How many statuses stand behind this place. */
  readonly countAfter: (position: Position.Position) => number
  /** The segment's id, for the ids of reports; none when it is no longer there. */
  readonly idOf: (segment: number) => Option.Option<string>
  /** In one write, and behind them the mark that is to be made once their places are known. */
  readonly append: (
    statuses: ReadonlyArray<StoredStatus.StoredStatus>,
    markOf: (positions: ReadonlyArray<Position.Position>) => Mark.Mark | undefined
  ) => Effect.Effect<ReadonlyArray<Position.Position>, BufferFault>
  /** What was appended survives a power failure. */
  readonly sync: Effect.Effect<void, BufferFault>
  /** The segment cannot be read: it is set aside, if that can be done. */
  readonly giveUp: (segment: number) => Effect.Effect<void>
  /** Removes segments that core has all of. */
  readonly removeSettled: (settled: Position.Position) => Effect.Effect<void, BufferFault>
  /** The oldest segment, when there is more than the one that is being written or it is to be closed. */
  readonly dropOldest: Effect.Effect<Option.Option<number>, BufferFault>
  readonly oldest: () => SegmentRecovery.Segment | undefined
}

export interface Options {
  readonly files: SegmentFiles
  readonly segmentBytes: number
  /** A fresh id for a segment: 16 hexadecimal digits. */
  readonly newId: Effect.Effect<string>
  /** Numbers begin no lower. */
  readonly numbersFrom: number
}

/** Holds the folder until the scope closes. */
export const open = Effect.fnUntraced(function*(
  { files, newId, numbersFrom, segmentBytes }: Options
): Effect.fn.Return<SegmentLog, BufferFault, Scope.Scope> {
  yield* files.hold
  const recovered = yield* SegmentRecovery.recover(files)
  const segments = [...recovered.segments]
  const firstOwn = Math.max(recovered.nextNumber, numbersFrom)
  let nextNumber = firstOwn
  let current: { readonly segment: SegmentRecovery.Segment; readonly file: SegmentFile } | undefined
  const { read, unreadAfter } = SegmentReading.make(files, segments)

  const close = Effect.suspend(() => {
    const { file } = current ?? {}
    current = undefined
    return file?.close ?? Effect.void
  })
  yield* Effect.addFinalizer(() => close)

  const begin = Effect.gen(function*() {
    const number = nextNumber
    const id = yield* newId
    const name = SegmentRecovery.nameOf(number)
    const file = yield* files.create(name)
    nextNumber += 1
    yield* file.append(SegmentFormat.encodeHeader({ number, id }, checksum)).pipe(
      Effect.andThen(file.sync),
      Effect.andThen(files.syncFolder),
      Effect.tapError(() => Effect.andThen(file.close, Effect.ignore(files.remove(name))))
    )
    const segment: SegmentRecovery.Segment = {
      number,
      name,
      id,
      frame: { checksum, seed: SegmentFormat.seedOf(id, checksum) },
      bytes: SegmentFormat.headerBytes,
      statuses: 0,
      lastOrdinal: 0,
      newestMillis: 0
    }
    segments.push(segment)
    current = { segment, file }
    return current
  })

  const writable = Effect.gen(function*() {
    if (current === undefined) return yield* begin
    if (current.segment.bytes < segmentBytes || current.segment.lastOrdinal === 0) return current
    yield* current.file.sync
    yield* close
    return yield* begin
  })

  const append: SegmentLog["append"] = Effect.fnUntraced(function*(statuses, markOf) {
    const { file, segment } = yield* writable
    const records = statuses.map((status, index) => ({
      kind: "status" as const,
      ordinal: segment.lastOrdinal + index + 1,
      payload: StoredStatus.encode(status)
    }))
    const positions = records.map(({ ordinal }) => ({ segment: segment.number, ordinal }))
    const lastOrdinal = segment.lastOrdinal + records.length
    const mark = markOf(positions)
    const marks = mark === undefined
      ? []
      : [{ kind: "mark" as const, ordinal: lastOrdinal, payload: [Mark.encode(mark)] }]
    if (records.length + marks.length === 0) return []
    const bytes = SegmentFormat.encodeRecords([...records, ...marks], segment.frame)
    // The file takes them.
    const { length } = bytes
    yield* file.append(bytes).pipe(
      // A part of it may be there; what is written next must not stand behind that.
      Effect.tapError(() => Effect.andThen(close, Effect.ignore(files.truncate(segment.name, segment.bytes))))
    )
    segment.bytes += length
    segment.statuses += records.length
    segment.lastOrdinal = lastOrdinal
    segment.newestMillis = statuses.reduce(
      (newest, { measuredAtMillis }) => Math.max(newest, measuredAtMillis),
      segment.newestMillis
    )
    return positions
  })

  const forget = (number: number) => {
    const index = segments.findIndex((segment) => segment.number === number)
    if (index >= 0) segments.splice(index, 1)
  }

  const removeOldest = Effect.gen(function*() {
    const [oldest] = segments
    if (oldest === undefined) return
    if (oldest === current?.segment) yield* close
    yield* files.remove(oldest.name)
    forget(oldest.number)
  })

  return {
    recovered,
    firstOwn,
    last: () => {
      const newest = segments.findLast(({ lastOrdinal }) => lastOrdinal > 0)
      return newest === undefined ? Position.start : { segment: newest.number, ordinal: newest.lastOrdinal }
    },
    bytes: () => segments.reduce((sum, { bytes }) => sum + bytes, 0),
    countAfter: (position) =>
      segments.reduce((sum, { lastOrdinal, number, statuses }) => {
        if (number < position.segment) return sum
        return sum +
          (number > position.segment ? statuses : Math.max(0, Math.min(statuses, lastOrdinal - position.ordinal)))
      }, 0),
    idOf: (number) => Option.fromNullishOr(segments.find((segment) => segment.number === number)?.id),
    append,
    // What a failed sync has left of it nobody knows: the next write begins a segment.
    sync: Effect.tapError(Effect.suspend(() => current?.file.sync ?? Effect.void), () => close),
    read,
    unreadAfter,
    giveUp: (number) => {
      const name = SegmentRecovery.nameOf(number)
      return Effect.suspend(() => current?.segment.number === number ? close : Effect.void).pipe(
        Effect.andThen(Effect.sync(() => forget(number))),
        Effect.andThen(Effect.ignore(files.rename(name, SegmentRecovery.asideOf(name))))
      )
    },
    removeSettled: Effect.fnUntraced(function*(settled) {
      for (
        let [oldest] = segments;
        oldest !== undefined && oldest !== current?.segment &&
        !Position.isAfter({ segment: oldest.number, ordinal: oldest.lastOrdinal }, settled);
        [oldest] = segments
      ) yield* removeOldest
    }),
    dropOldest: Effect.gen(function*() {
      const [oldest] = segments
      if (oldest === undefined) return Option.none()
      yield* removeOldest
      return Option.some(oldest.number)
    }),
    oldest: () => segments[0]
  }
})
