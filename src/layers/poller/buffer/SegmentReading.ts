/** Reads the statuses of a log in the order in which they were written, from any place on. */
import { Effect, type Option } from "effect"
import * as Position from "../../../domain/poller/segments/Position.ts"
import * as SegmentFormat from "../../../domain/poller/segments/SegmentFormat.ts"
import * as StoredStatus from "../../../domain/poller/segments/StoredStatus.ts"
import * as LargeBytes from "../LargeBytes.ts"
import { BufferFault, type SegmentFiles } from "./SegmentFiles.ts"
import type * as SegmentRecovery from "./SegmentRecovery.ts"

export interface ReadStatus {
  readonly position: Position.Position
  /** None: what stands there was never written as a status. */
  readonly stored: Option.Option<StoredStatus.StoredStatus>
}

export interface SegmentReading {
  /** About a mebibyte of those behind this place, at least one if there is one. */
  readonly read: (after: Position.Position) => Effect.Effect<ReadonlyArray<ReadStatus>, BufferFault>
  /** Where the segment ends that is read next. */
  readonly unreadAfter: (after: Position.Position) => Position.Position | undefined
}

const readBytes = 1_048_576

/** Behind this byte stand the statuses after this one. */
interface Place extends Position.Position {
  readonly offset: number
}

/** `segments` changes in place, with the log that they are of. */
export const make = (files: SegmentFiles, segments: ReadonlyArray<SegmentRecovery.Segment>): SegmentReading => {
  /** Where the last look began and ended, so that the next one need not begin with the segment. */
  let places: ReadonlyArray<Place> = []

  const chunkAt = (segment: SegmentRecovery.Segment, offset: number, length: number) =>
    files.read(segment.name, offset, Math.min(length, segment.bytes - offset))

  /**
   * Whole records from `offset`; none when no whole one stands there. What is longer than one look is read again by its own length,
   * and what was read of it before is given back.
   */
  const recordsAt = Effect.fnUntraced(function*(segment: SegmentRecovery.Segment, offset: number) {
    let length = readBytes
    while (true) {
      const bytes = yield* chunkAt(segment, offset, length)
      const records: Array<SegmentFormat.SegmentRecord> = []
      let record = SegmentFormat.recordAt(bytes, 0, segment.frame)
      while (record !== undefined) {
        records.push(record)
        record = SegmentFormat.recordAt(bytes, record.end, segment.frame)
      }
      const isAll = offset + length >= segment.bytes
      if (records.length > 0 || isAll) return records
      const wanted = SegmentFormat.bytesOf(bytes)
      length = wanted > length ? wanted : length * 2
      LargeBytes.release(bytes)
    }
  })

  const unreadable = (segment: SegmentRecovery.Segment, offset: number) =>
    new BufferFault({
      path: `${files.folder}/${segment.name}`,
      step: "reading",
      detail: `there is no record at byte ${offset}`,
      isAbsent: false
    })

  /** Those of this segment behind `after`, as many as one look brings. */
  const readFrom = Effect.fnUntraced(function*(segment: SegmentRecovery.Segment, after: Position.Position) {
    const first = after.segment === segment.number ? after.ordinal : 0
    const known = places.findLast((place) => place.segment === segment.number && place.ordinal <= first)
    let { offset, ordinal } = known ?? { offset: SegmentFormat.headerBytes, ordinal: 0 }
    while (offset < segment.bytes) {
      const records = yield* recordsAt(segment, offset)
      const newest = records.at(-1)
      if (newest === undefined) return yield* unreadable(segment, offset)
      const statuses = records.filter(({ kind, ordinal }) => kind === "status" && ordinal > first)
      const begin = { segment: segment.number, ordinal, offset }
      offset += newest.end
      ordinal = newest.ordinal
      places = [begin, { segment: segment.number, ordinal, offset }]
      if (statuses.length > 0) {
        return statuses.map(({ ordinal, payload }): ReadStatus => ({
          position: { segment: segment.number, ordinal },
          stored: StoredStatus.decode(payload)
        }))
      }
    }
    return []
  })

  const unread = (after: Position.Position) =>
    segments.find(({ lastOrdinal, number }) => Position.isAfter({ segment: number, ordinal: lastOrdinal }, after))

  const read: SegmentReading["read"] = (after) => {
    const segment = unread(after)
    return segment === undefined ? Effect.succeed([]) : readFrom(segment, after)
  }

  return {
    read,
    unreadAfter: (after) => {
      const segment = unread(after)
      return segment === undefined ? undefined : { segment: segment.number, ordinal: segment.lastOrdinal }
    }
  }
}
