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

/** FNV-1a, folded to 14 bits. */
const streamHash = Remembered.make((stream) => {
  let hash = 0x811c9dc5
  for (let at = 0; at < stream.length; at++) hash = Math.imul(hash ^ stream.charCodeAt(at), 0x01000193)
  return ((hash >>> 14) ^ hash) & 0x3fff
})

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

/** The ids of one message's rows, by their index below 2^20; costs nothing until one is asked for. */
export const make = (stream: string, sequence: number, storedAtMicros: number): (index: number) => string => {
  let parts: Parts | undefined
  return (index) => {
    parts ??= partsOf(stream, sequence, storedAtMicros)
    return parts.head + hex48(parts.tail + index * 2 ** 14)
  }
}
