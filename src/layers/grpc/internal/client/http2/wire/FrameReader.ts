/**
 * Cuts what a connection brings into frames. What it is given is read before it returns, and only the part of a frame that
 * is not whole yet is kept, as a copy: the bytes may be those of a buffer that is filled again.
 */
import * as Frame from "./Frame.ts"

/** Answers whether there is to be another one. */
type Take = (type: number, flags: number, stream: number, payload: Buffer) => boolean

export class FrameReader {
  readonly #take: Take
  #rest: Buffer = Buffer.alloc(0)

  constructor(take: Take) {
    this.#take = take
  }

  /** False for a frame that is longer than any may be. */
  push(chunk: Buffer): boolean {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    while (bytes.length - at >= Frame.headBytes) {
      const length = bytes.readUIntBE(at, 3)
      if (length > Frame.payloadBytesMax) return false
      const start = at + Frame.headBytes
      if (bytes.length < start + length) break
      at = start + length
      const type = bytes[start - 6] ?? 0
      const flags = bytes[start - 5] ?? 0
      const stream = bytes.readUInt32BE(start - 4) & 0x7fffffff
      if (!this.#take(type, flags, stream, bytes.subarray(start, at))) return true
    }
    if (at < bytes.length) this.#rest = bytes === chunk || at > 0 ? Buffer.from(bytes.subarray(at)) : bytes
    else if (this.#rest.length > 0) this.#rest = Buffer.alloc(0)
    return true
  }
}
