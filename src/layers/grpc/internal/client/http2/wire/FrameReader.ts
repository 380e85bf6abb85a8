/**
 * Cuts what a connection brings into frames. What it is given is read before it returns, and only the part of a frame that
 * is not whole yet is kept, as a copy: the bytes may be those of a buffer that is filled again.
 */
import * as Frame from "./Frame.ts"

/** Answers whether there is to be another one. */
type Take = (type: number, flags: number, stream: number, payload: Buffer) => boolean

const frameBytesMax = Frame.headBytes + Frame.payloadBytesMax

/** Parts of frames shorter than this are kept in a buffer of their size: most are the end of a small read. */
const roomyMin = 1_024

/**
 * Room for a whole frame, for the next of all readers that keeps a part of one: what brings megabytes ends within a frame with
 * each read, and a buffer for each would bring collections about.
 */
let spare: Buffer | undefined

export class FrameReader {
  readonly #take: Take
  /** Its first `#kept` bytes are those of the frame that is not whole. */
  #rest: Buffer | undefined
  #kept = 0

  constructor(take: Take) {
    this.#take = take
  }

  /** False for a frame that is longer than any may be. */
  push(chunk: Buffer): boolean {
    let at = 0
    if (this.#rest !== undefined) {
      at = this.#complete(chunk)
      if (at < 0) return false
      if (this.#rest !== undefined || at >= chunk.length) return true
    }
    while (chunk.length - at >= Frame.headBytes) {
      const length = chunk.readUIntBE(at, 3)
      if (length > Frame.payloadBytesMax) return false
      const end = at + Frame.headBytes + length
      if (chunk.length < end) break
      if (!this.#give(chunk, at, end)) return true
      at = end
    }
    if (at < chunk.length) this.#keep(chunk.subarray(at))
    return true
  }

  /** Adds to the frame that is not whole; where the next begins, -1 for one that is too long. */
  #complete(chunk: Buffer): number {
    const headLacks = Frame.headBytes - this.#kept
    let at = headLacks > 0 ? this.#add(chunk, 0, headLacks) : 0
    const rest = this.#rest
    if (rest === undefined || this.#kept < Frame.headBytes) return at
    const length = rest.readUIntBE(0, 3)
    if (length > Frame.payloadBytesMax) return -1
    const end = Frame.headBytes + length
    at += this.#add(chunk, at, end - this.#kept)
    if (this.#kept < end) return at
    const whole = this.#rest ?? rest
    this.#rest = undefined
    this.#kept = 0
    const goesOn = this.#give(whole, 0, end)
    if (whole.length === frameBytesMax) spare = whole
    return goesOn ? at : chunk.length
  }

  /** At most so many bytes; how many there were. */
  #add(chunk: Buffer, at: number, bytes: number): number {
    const added = Math.min(bytes, chunk.length - at)
    const needed = this.#kept + added
    if (this.#rest === undefined || this.#rest.length < needed) {
      const roomier = roomFor(needed)
      this.#rest?.copy(roomier, 0, 0, this.#kept)
      this.#rest = roomier
    }
    chunk.copy(this.#rest, this.#kept, at, at + added)
    this.#kept = needed
    return added
  }

  #keep(part: Buffer): void {
    this.#rest = roomFor(part.length)
    this.#kept = part.copy(this.#rest)
  }

  #give(bytes: Buffer, at: number, end: number): boolean {
    const start = at + Frame.headBytes
    const type = bytes[start - 6] ?? 0
    const flags = bytes[start - 5] ?? 0
    const stream = bytes.readUInt32BE(start - 4) & 0x7fffffff
    return this.#take(type, flags, stream, bytes.subarray(start, end))
  }
}

const roomFor = (bytes: number): Buffer => {
  if (bytes < roomyMin) return Buffer.allocUnsafe(bytes)
  const room = spare ?? Buffer.allocUnsafeSlow(frameBytesMax)
  spare = undefined
  return room
}
