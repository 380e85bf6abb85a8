/**
 * Samples as frames of the NATS protocol whose moments and running numbers are replaced in place: a message costs a copy
 * and a few writes, so that the publisher is never what is measured.
 */
import { idOf, isoOf, momentOf, numberOf, type Sample } from "./EventSamples.ts"

interface Patch {
  readonly offset: number
  readonly row: number
  readonly write: (frame: Buffer, offset: number, micros: number, number: number) => void
}

export interface Frame {
  readonly sample: Sample
  readonly bytes: Buffer
  readonly patches: ReadonlyArray<Patch>
}

const nanosOf = (micros: number): bigint => BigInt(micros) * 1000n

const varint = (value: bigint): Buffer => {
  const bytes: Array<number> = []
  for (let rest = value; rest > 0n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0))
  return Buffer.from(bytes)
}

const fixed64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes
}

/** Runs of nine bytes for a moment of these years, without arithmetic on big integers for each byte. */
const writeVarint = (frame: Buffer, offset: number, value: bigint) => {
  let low = Number(value & 0xfffffffn)
  let high = Number(value >> 28n)
  for (let at = offset; at < offset + 4; at++) {
    frame[at] = (low & 0x7f) | 0x80
    low >>>= 7
  }
  for (let at = offset + 4; high > 0; at++) {
    const byte = high % 128
    high = (high - byte) / 128
    frame[at] = high > 0 ? byte | 0x80 : byte
  }
}

interface Form {
  readonly bytes: (row: number) => Buffer
  readonly write: Patch["write"]
}

const textSeconds = (micros: number): string => {
  const text = String(micros)
  return `${text.slice(0, 10)}.${text.slice(10)}`
}

let isoSecond = ""
let isoSecondOf = -1
const isoCached = (micros: number): string => {
  const second = Math.floor(micros / 1_000_000)
  if (second !== isoSecondOf) {
    isoSecondOf = second
    isoSecond = isoOf(second * 1_000_000).slice(0, 20)
  }
  return `${isoSecond}${String(micros).slice(10)}Z`
}

/** The longer of two that could match at one place stands first. */
const forms: ReadonlyArray<Form> = [
  {
    bytes: (row) => Buffer.from(isoOf(momentOf(row))),
    write: (frame, offset, micros) => frame.write(isoCached(micros), offset, "latin1")
  },
  {
    bytes: (row) => Buffer.from(String(nanosOf(momentOf(row)))),
    write: (frame, offset, micros) => frame.write(`${micros}000`, offset, "latin1")
  },
  {
    bytes: (row) => Buffer.from(textSeconds(momentOf(row))),
    write: (frame, offset, micros) => frame.write(textSeconds(micros), offset, "latin1")
  },
  {
    bytes: (row) => fixed64(nanosOf(momentOf(row))),
    write: (frame, offset, micros) => frame.writeBigUInt64LE(nanosOf(micros), offset)
  },
  {
    bytes: (row) => varint(nanosOf(momentOf(row))),
    write: (frame, offset, micros) => writeVarint(frame, offset, nanosOf(micros))
  },
  {
    bytes: (row) => Buffer.from(String(numberOf(row))),
    write: (frame, offset, _, number) => frame.write(String(number), offset, "latin1")
  },
  {
    bytes: (row) => varint(BigInt(numberOf(row))),
    write: (frame, offset, _, number) => writeVarint(frame, offset, BigInt(number))
  },
  { bytes: idOf, write: (frame, offset, _, number) => frame.writeUInt32BE(number, offset + 4) },
  {
    bytes: (row) => Buffer.from(idOf(row).toString("hex")),
    write: (frame, offset, _, number) => frame.write(number.toString(16).padStart(8, "0"), offset + 8, "latin1")
  }
]

const patchesOf = (frame: Buffer, rows: number): ReadonlyArray<Patch> => {
  const patches: Array<Patch> = []
  for (let row = 0; row < rows; row++) {
    for (const { bytes, write } of forms) {
      const wanted = bytes(row)
      for (let at = frame.indexOf(wanted); at >= 0; at = frame.indexOf(wanted, at + wanted.length)) {
        patches.push({ offset: at, row, write })
      }
    }
  }
  return patches
}

/** A message that is to be confirmed at `reply`. */
export const make = (sample: Sample, reply: string): Frame => {
  const head = Buffer.from(`PUB ${sample.subject} ${reply} ${sample.data.length}\r\n`)
  const bytes = Buffer.concat([head, sample.data, Buffer.from("\r\n")])
  // What is broken or refused has a moment too, though it becomes no row.
  return { sample, bytes, patches: patchesOf(bytes, Math.max(1, sample.rows)) }
}

/** Row and moment numbers stay within the width that the sample has. */
export const numberFirst = 1_000_000_000

/** Copies the frame into `target`; the moments of its rows are `stepMicros` apart. Answers where it ends. */
export const write = (
  frame: Frame,
  target: Buffer,
  at: number,
  row: { readonly micros: number; readonly number: number; readonly stepMicros: number }
): number => {
  frame.bytes.copy(target, at)
  for (const patch of frame.patches) {
    patch.write(target, at + patch.offset, row.micros + patch.row * row.stepMicros, row.number + patch.row)
  }
  return at + frame.bytes.length
}
