/**
 * Bytes one after the other in a buffer that is used again: a new array of more than 64 bytes costs a microsecond, and
 * so does every text that is encoded into one of its own.
 */
const bytesAtFirst = 1_024
/** A larger buffer is given back afterwards. */
const bytesKept = 65_536
/** UTF-8 takes at most three bytes for each unit of a string. */
const bytesPerUnitMax = 3

const encoder = new TextEncoder()

export class ByteWriter {
  #bytes = new Uint8Array(bytesAtFirst)
  #at = 0

  /** Forgets what was written; what `written` has answered before is no longer valid. */
  start(): this {
    this.#at = 0
    if (this.#bytes.length > bytesKept) this.#bytes = new Uint8Array(bytesAtFirst)
    return this
  }

  byte(value: number): this {
    this.#reserve(1)
    this.#bytes[this.#at++] = value
    return this
  }

  /** The low 32 bits, big-endian. */
  uint32(value: number): this {
    this.#reserve(4)
    this.#set32(this.#at, value)
    this.#at += 4
    return this
  }

  bytes(value: Uint8Array): this {
    this.#reserve(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
    return this
  }

  /** Its length in bytes, then the bytes. */
  part(value: Uint8Array): this {
    return this.uint32(value.length).bytes(value)
  }

  /** Its length in bytes, then UTF-8. */
  text(value: string): this {
    this.#reserve(4 + bytesPerUnitMax * value.length)
    const { written } = encoder.encodeInto(value, this.#bytes.subarray(this.#at + 4))
    this.#set32(this.#at, written)
    this.#at += 4 + written
    return this
  }

  /** No copy: valid until the next `start`. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#at)
  }

  #set32(at: number, value: number): void {
    const bytes = this.#bytes
    bytes[at] = value >>> 24
    bytes[at + 1] = value >>> 16
    bytes[at + 2] = value >>> 8
    bytes[at + 3] = value
  }

  #reserve(length: number): void {
    const needed = this.#at + length
    if (needed <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length))
    larger.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = larger
  }
}
