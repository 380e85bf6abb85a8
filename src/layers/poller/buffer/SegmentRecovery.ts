/**
 * Reads what a process before this one left in the folder.
 *
 * What a write that was cut off has left behind the last record of a segment goes. A segment with something else there or
 * between its records is set aside under another name, and what can be read of it goes on in its place; one whose beginning cannot be read is set aside whole. Every step may be the last: the next start goes on.
 */
import { Effect, Option } from "effect"
import * as Mark from "../../../domain/poller/segments/Mark.ts"
import * as Position from "../../../domain/poller/segments/Position.ts"
import * as SegmentFormat from "../../../domain/poller/segments/SegmentFormat.ts"
import * as StoredStatus from "../../../domain/poller/segments/StoredStatus.ts"
import { checksum } from "./checksum.ts"
import type { BufferFault, SegmentFiles } from "./SegmentFiles.ts"

/** A segment that is closed, or being written. */
export interface Segment {
  readonly number: number
  readonly name: string
  readonly id: string
  readonly frame: SegmentFormat.Frame
  /** Up to here all is well. */
  bytes: number
  /** Statuses in it. */
  statuses: number
  lastOrdinal: number
  /** When the newest of its statuses was measured. */
  newestMillis: number
}

export interface Recovered {
  readonly segments: ReadonlyArray<Segment>
  readonly mark: Mark.Mark
  /** Above that of every file, also of those set aside. */
  readonly nextNumber: number
  /** What an operator should know, each with the file's name. */
  readonly notes: ReadonlyArray<string>
  /** Statuses that core had not acknowledged and that cannot be read; of a destroyed piece as many as fit into it. */
  readonly lost: number
}

const numberDigits = 16
const extension = "statuses"
const ours = new RegExp(`^(\\d{${numberDigits}})\\.${extension}(?:\\.(corrupt|new))?$`)
/** One status of a segment may be the largest inventory. */
const fileBytesMax = 512 * 2 ** 20
/** Set aside at most; the oldest go. */
const asideMax = 8

export const nameOf = (number: number): string => `${`${number}`.padStart(numberDigits, "0")}.${extension}`

export const asideOf = (name: string): string => `${name}.corrupt`
const freshOf = (name: string): string => `${name}.new`

interface Found {
  readonly name: string
  readonly number: number
  readonly kind: string
  readonly bytes: number
}

const found = Effect.fnUntraced(function*(files: SegmentFiles) {
  const all = (yield* files.list).flatMap(({ bytes, name }): ReadonlyArray<Found> => {
    const match = ours.exec(name)
    return match === null ? [] : [{ name, number: Number(match[1]), kind: match[2] ?? extension, bytes }]
  }).toSorted((one, other) => one.number - other.number)
  return { all, ofKind: (kind: string) => all.filter((one) => one.kind === kind) }
})

/** Puts what was made in the place of a corrupt segment there, if that is what is left to do. */
const finishReplacements = Effect.fnUntraced(function*(files: SegmentFiles) {
  const { all, ofKind } = yield* found(files)
  for (const { name, number } of ofKind("new")) {
    const isReplaced = all.some((other) => other.number === number && other.kind === extension)
    yield* isReplaced ? files.remove(name) : files.rename(name, nameOf(number))
  }
})

export const recover = Effect.fnUntraced(function*(files: SegmentFiles): Effect.fn.Return<Recovered, BufferFault> {
  yield* finishReplacements(files)
  const { all, ofKind } = yield* found(files)
  for (const { name } of ofKind("corrupt").slice(0, -asideMax)) yield* files.remove(name)
  const segments: Array<Segment> = []
  const notes: Array<string> = []
  const losses: Array<Loss> = []
  let mark = Mark.start
  for (const one of ofKind(extension)) {
    const read = yield* readSegment(files, one)
    notes.push(...read.notes)
    if (read.mark !== undefined) mark = Mark.latest(mark, read.mark)
    if (read.segment !== undefined) segments.push(read.segment)
    if (read.loss !== undefined) losses.push(read.loss)
  }
  yield* files.syncFolder
  const { settled } = mark
  const lost = losses.reduce(
    (sum, { statuses, through }) => sum + (Position.isAfter(through, settled) ? statuses : 0),
    0
  )
  return { segments, mark, notes, lost, nextNumber: (all.at(-1)?.number ?? 0) + 1 }
})

interface Loss {
  readonly statuses: number
  /** The last of them stood here. */
  readonly through: Position.Position
}

interface Read {
  readonly segment?: Segment
  readonly mark?: Mark.Mark
  readonly loss?: Loss
  readonly notes: ReadonlyArray<string>
}

const setAside = (files: SegmentFiles, name: string, why: string): Effect.Effect<Read, BufferFault> =>
  Effect.as(files.rename(name, asideOf(name)), { notes: [`${name} is set aside as ${asideOf(name)}: ${why}`] })

/** Some milliseconds of them. */
const recordsAtOnce = 1_000

/** Polls go on meanwhile. */
const scanInSlices = Effect.fnUntraced(function*(bytes: Uint8Array, frame: SegmentFormat.Frame) {
  const scanning = SegmentFormat.beginScan()
  while (!scanning.isOver) {
    SegmentFormat.scanOn(scanning, bytes, frame, recordsAtOnce)
    yield* Effect.yieldNow
  }
  return SegmentFormat.scanned(scanning, bytes)
})

const readSegment = Effect.fnUntraced(function*(
  files: SegmentFiles,
  { bytes: size, name, number }: Found
): Effect.fn.Return<Read, BufferFault> {
  if (size > fileBytesMax) return yield* setAside(files, name, `it has ${size} bytes, and ours have fewer`)
  const contents = yield* Effect.result(files.read(name, 0, size))
  if (contents._tag === "Failure") return yield* setAside(files, name, contents.failure.detail)
  const bytes = contents.success
  // Its process ended before there was anything in it, or all of it is gone.
  if (bytes.length < SegmentFormat.headerBytes) {
    return yield* Effect.as(files.remove(name), { notes: [`${name} has ${bytes.length} bytes, and is removed`] })
  }
  const header = Option.getOrUndefined(SegmentFormat.decodeHeader(bytes, checksum))
  if (header?.number !== number) return yield* setAside(files, name, "its beginning is none of a segment")
  const frame = { checksum, seed: SegmentFormat.seedOf(header.id, checksum) }
  const scan = yield* scanInSlices(bytes, frame)
  const records = SegmentFormat.inOrder(scan.records)
  const statuses = records.filter(({ kind }) => kind === "status")
  const segment: Segment = {
    number,
    name,
    id: header.id,
    frame,
    bytes: scan.end - scan.corruptBytes,
    statuses: statuses.length,
    lastOrdinal: records.at(-1)?.ordinal ?? 0,
    newestMillis: statuses.reduce(
      (newest, { payload }) => Math.max(newest, StoredStatus.measuredAtMillis(payload)),
      0
    )
  }
  const mark = SegmentFormat.newestMark(records)
  const read = { segment, ...(mark === undefined ? {} : { mark }) }
  const isTornOff = scan.tornBytes > 0 && !SegmentFormat.isCutOff(bytes.subarray(scan.end))
  if (scan.corruptBytes > 0 || isTornOff || records.length < scan.records.length) {
    const kept = SegmentFormat.encodeRecords(
      records.map((record) => ({ ...record, payload: [record.payload] })),
      frame
    )
    yield* replace(files, name, [SegmentFormat.encodeHeader(header, checksum), kept])
    segment.bytes = SegmentFormat.headerBytes + kept.length
    const between = segment.lastOrdinal - segment.statuses
    const behind = isTornOff
      ? Math.max(1, Math.round((scan.tornBytes * statuses.length) / Math.max(1, kept.length)))
      : 0
    const none = scan.corruptBytes + (isTornOff ? scan.tornBytes : 0)
    return {
      ...read,
      loss: {
        statuses: between + behind,
        through: { segment: number, ordinal: segment.lastOrdinal + behind }
      },
      notes: [
        `${name} is set aside as ${asideOf(name)}: ${none} of its ${size} bytes are none of ours; ` +
        `${segment.statuses} statuses of it can be read, ${behind > 0 ? "about " : ""}${between + behind} are lost`
      ]
    }
  }
  if (scan.tornBytes > 0) yield* files.truncate(name, scan.end)
  return { ...read, notes: [] }
})

/** Sets the file aside and puts these bytes in its place. */
const replace = Effect.fnUntraced(function*(files: SegmentFiles, name: string, parts: ReadonlyArray<Uint8Array>) {
  const fresh = yield* files.create(freshOf(name))
  yield* Effect.forEach(parts, fresh.append, { discard: true }).pipe(
    Effect.andThen(fresh.sync),
    Effect.ensuring(fresh.close)
  )
  yield* files.syncFolder
  yield* files.rename(name, asideOf(name))
  yield* files.rename(freshOf(name), name)
})
