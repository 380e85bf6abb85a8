/**
 * Ids for rows that have none of their own: the same at every delivery, different for every row.
 *
 * Shaped as a version 7 UUID, so that rows written together lie together in an index. The 74 bits after the time hold
 * the sequence (40), the row's place in the message (20) and a hash of the stream's name (14). The time is when the
 * stream stored the message, so a stream that was deleted and begins again at sequence 1 does not repeat ids.
 */
import * as Remembered from "../stream/Remembered.ts"

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0")

/** Three digits each; ids are made by the hundred thousand per second, and looking up is several times as fast. */
const threeDigits: ReadonlyArray<string> = Array.from({ length: 2 ** 12 }, (_, value) => hex(value, 3))

/** Twelve digits. */
const hex48 = (value: number): string => {
  const high = Math.floor(value / 2 ** 24)
  const low = value % 2 ** 24
  return `${threeDigits[high >>> 12]}${threeDigits[high & 0xfff]}${threeDigits[low >>> 12]}${threeDigits[low & 0xfff]}`
}

/** FNV-1a. */
const hashOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash
}

/** Folded to 14 bits. */
const streamHash = Remembered.make((stream) => {
  const hash = hashOf(stream)
  return ((hash >>> 14) ^ hash) & 0x3fff
})

const subjectHash = Remembered.make((subject) => hashOf(subject) & 0xfffffff)

interface Parts {
  /** Time, version, sequence but its last 14 bits. */
  readonly head: string
  /** 48 bits: the sequence's last 14, the index's 20 (still 0), the hash's 14. */
  readonly tail: number
}

/** `tttttttt-tttt-` */
const timeDigits = (millis: number): string => {
  const digits = hex48(millis)
  return `${digits.slice(0, 8)}-${digits.slice(8)}-`
}

const partsOf = (stream: string, sequence: number, storedAtMicros: number): Parts => {
  const millis = Math.max(0, Math.floor(storedAtMicros / 1000)) % 2 ** 48
  const high = Math.floor(sequence / 2 ** 28) % 2 ** 12
  const low = sequence % 2 ** 28
  // 7 is the version, the bit 0x8000 the variant.
  const middle = 0x8000 + Math.floor(low / 2 ** 14)
  return {
    head: `${timeDigits(millis)}7${threeDigits[high]}-${middle.toString(16)}-`,
    tail: (low % 2 ** 14) * 2 ** 34 + streamHash(stream)
  }
}

/**
 * The ids of rows by what was sent instead of by when it was stored: `digest` is 32 hex digits of the content, mixed with
 * the subject, as the same content on another subject is another record. Shaped as version 8, for a content's own kind.
 */
export const ofContent = (digest: string, subject: string): (index: number) => string => {
  const mixed = (Number.parseInt(digest.slice(13, 20), 16) ^ subjectHash(subject)) >>> 0
  const middle = hex(mixed & 0xfffffff, 7)
  const variant = 0x8000 + (Number.parseInt(middle.slice(3), 16) & 0x3fff)
  const head = `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${middle.slice(0, 3)}-${variant.toString(16)}-`
  const tail = Number.parseInt(digest.slice(20, 32), 16)
  return (index) => head + hex48((tail + index) % 2 ** 48)
}

/** The ids of one message's rows, by their index below 2^20; costs nothing until one is asked for. */
export const make = (stream: string, sequence: number, storedAtMicros: number): (index: number) => string => {
  let parts: Parts | undefined
  return (index) => {
    parts ??= partsOf(stream, sequence, storedAtMicros)
    return parts.head + hex48(parts.tail + index * 2 ** 14)
  }
}
