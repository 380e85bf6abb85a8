/**
 * A segment: a file that statuses are appended to while core has not acknowledged them.
 *
 *   header  "SRSB", version u32, number u64, id of 8 random bytes, checksum u32                    28 bytes
 *   record  magic u32, length u32, ordinal u32, kind u8, payload, checksum u32                     17 bytes and the payload
 *
 * All numbers are big-endian. A record's checksum begins with the segment's id, so what an older file left on the same
 * blocks is none of its records. `ordinal` counts the statuses of the segment from 1; of a mark it is that of the status
 * before it.
 */
import { Option } from "effect"
import * as Mark from "./Mark.ts"

/** CRC-32 of the bytes, going on from that of others; of the platform, which does it many times faster. */
export type Checksum = (bytes: Uint8Array, from: number) => number

export interface SegmentHeader {
  /** Rises from segment to segment of a folder. */
  readonly number: number
  /** 16 hexadecimal digits. */
  readonly id: string
}

export type Kind = "status" | "mark"

export interface SegmentRecord {
  readonly kind: Kind
  readonly ordinal: number
  /** Of the bytes that it was read from, not a copy. */
  readonly payload: Uint8Array
  /** Behind its last byte. */
  readonly end: number
}

export const headerBytes = 28
export const recordBytes = 17
const headBytes = 13
const version = 1
const headerMagic = 0x53525342
const recordMagic = 0xa51ec0de
const kinds: ReadonlyArray<Kind> = ["status", "mark"]

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

export const encodeHeader = ({ id, number }: SegmentHeader, checksum: Checksum): Uint8Array => {
  const bytes = new Uint8Array(headerBytes)
  const view = viewOf(bytes)
  view.setUint32(0, headerMagic)
  view.setUint32(4, version)
  view.setBigUint64(8, BigInt(number))
  view.setBigUint64(16, BigInt(`0x${id}`))
  view.setUint32(24, checksum(bytes.subarray(0, 24), 0))
  return bytes
}

/** None when the bytes do not begin with a header of this version. */
export const decodeHeader = (bytes: Uint8Array, checksum: Checksum): Option.Option<SegmentHeader> => {
  if (bytes.length < headerBytes) return Option.none()
  const view = viewOf(bytes)
  if (view.getUint32(0) !== headerMagic || view.getUint32(4) !== version) return Option.none()
  if (view.getUint32(24) !== checksum(bytes.subarray(0, 24), 0)) return Option.none()
  return Option.some({
    number: Number(view.getBigUint64(8)),
    id: view.getBigUint64(16).toString(16).padStart(16, "0")
  })
}

/** What the checksums of a segment's records go on from. */
export const seedOf = (id: string, checksum: Checksum): number => {
  const bytes = new Uint8Array(8)
  viewOf(bytes).setBigUint64(0, BigInt(`0x${id}`))
  return checksum(bytes, 0)
}

export interface Frame {
  readonly checksum: Checksum
  readonly seed: number
}

/** A record to be written. */
export interface NewRecord extends Pick<SegmentRecord, "kind" | "ordinal"> {
  /** Its parts, one behind the other. */
  readonly payload: ReadonlyArray<Uint8Array>
}

const lengthOf = ({ payload }: NewRecord): number => payload.reduce((sum, { length }) => sum + length, 0)

/** The records of one write, one behind the other. */
export const encodeRecords = (records: ReadonlyArray<NewRecord>, { checksum, seed }: Frame): Uint8Array => {
  const bytes = new Uint8Array(records.reduce((sum, record) => sum + recordBytes + lengthOf(record), 0))
  const view = viewOf(bytes)
  let at = 0
  for (const record of records) {
    const { kind, ordinal, payload } = record
    const length = lengthOf(record)
    const end = at + headBytes + length
    view.setUint32(at, recordMagic)
    view.setUint32(at + 4, length)
    view.setUint32(at + 8, ordinal)
    view.setUint8(at + 12, kinds.indexOf(kind))
    let to = at + headBytes
    for (const part of payload) {
      bytes.set(part, to)
      to += part.length
    }
    view.setUint32(end, checksum(bytes.subarray(at + 4, end), seed))
    at = end + 4
  }
  return bytes
}

/** Undefined when no whole record stands there. */
export const recordAt = (bytes: Uint8Array, at: number, { checksum, seed }: Frame): SegmentRecord | undefined => {
  if (at + recordBytes > bytes.length) return undefined
  const view = viewOf(bytes)
  if (view.getUint32(at) !== recordMagic) return undefined
  const end = at + headBytes + view.getUint32(at + 4)
  if (end + 4 > bytes.length) return undefined
  if (view.getUint32(end) !== checksum(bytes.subarray(at + 4, end), seed)) return undefined
  const kind = kinds[view.getUint8(at + 12)]
  if (kind === undefined) return undefined
  return { kind, ordinal: view.getUint32(at + 8), payload: bytes.subarray(at + headBytes, end), end: end + 4 }
}

/** How many bytes the record takes that begins here, by what it says of itself; 0 when none does. */
export const bytesOf = (bytes: Uint8Array): number => {
  if (bytes.length < recordBytes) return 0
  const view = viewOf(bytes)
  return view.getUint32(0) === recordMagic ? recordBytes + view.getUint32(4) : 0
}

/** The next place from `from` where a whole record stands. */
const nextRecordFrom = (bytes: Uint8Array, from: number, frame: Frame): number | undefined => {
  const first = recordMagic >>> 24
  for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (recordAt(bytes, at, frame) !== undefined) return at
  }
  return undefined
}

export interface Scan {
  readonly records: ReadonlyArray<SegmentRecord>
  /** Behind the last record. */
  readonly end: number
  /** Bytes in front of a record that are none. */
  readonly corruptBytes: number
  /** Behind the last record: of a write that was cut off. */
  readonly tornBytes: number
}

/** A scan that is under way. */
export interface Scanning {
  readonly records: Array<SegmentRecord>
  end: number
  corruptBytes: number
  isOver: boolean
}

export const beginScan = (): Scanning => ({ records: [], end: headerBytes, corruptBytes: 0, isOver: false })

/** Goes on for at most so many records: a segment takes longer than others should have to wait. */
export const scanOn = (scanning: Scanning, bytes: Uint8Array, frame: Frame, recordsMax: number): void => {
  for (let records = 0; records < recordsMax; records++) {
    const record = scanning.end < bytes.length ? recordAt(bytes, scanning.end, frame) : undefined
    if (record !== undefined) {
      scanning.records.push(record)
      scanning.end = record.end
      continue
    }
    const next = nextRecordFrom(bytes, scanning.end + 1, frame)
    if (next === undefined) {
      scanning.isOver = true
      return
    }
    scanning.corruptBytes += next - scanning.end
    scanning.end = next
  }
}

/** Every record that can be read, of a scan that is over. */
export const scanned = ({ corruptBytes, end, records }: Scanning, bytes: Uint8Array): Scan => ({
  records,
  end,
  corruptBytes,
  tornBytes: bytes.length - end
})

/** Each status once, with the marks behind it: a file may hold a piece of itself twice. */
export const inOrder = (records: ReadonlyArray<SegmentRecord>): ReadonlyArray<SegmentRecord> => {
  let last = 0
  return records.filter(({ kind, ordinal }) => {
    const isNext = kind === "status" ? ordinal > last : ordinal >= last
    if (isNext) last = ordinal
    return isNext
  })
}

/** The largest inventory is shorter. */
const lengthMax = 2 ** 29

/** Whether a write that was cut off can have left this: the beginning of a record, and no whole one. */
export const isCutOff = (tail: Uint8Array): boolean => {
  const magic = [24, 16, 8, 0].map((bits) => (recordMagic >>> bits) & 0xff)
  if (!magic.every((byte, index) => index >= tail.length || tail[index] === byte)) return false
  if (tail.length < headBytes) return true
  const length = viewOf(tail).getUint32(4)
  return length <= lengthMax && headBytes + length + 4 > tail.length
}

/** The newest mark among records. */
export const newestMark = (records: ReadonlyArray<SegmentRecord>): Mark.Mark | undefined => {
  const record = records.findLast(({ kind }) => kind === "mark")
  return record === undefined ? undefined : Mark.decode(record.payload)
}
