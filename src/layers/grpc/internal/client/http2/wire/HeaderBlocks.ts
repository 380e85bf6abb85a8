/** Puts the frames of a header block together and reads it; what a peer may make this side keep of one is bounded. */
import { constants } from "node:http2"
import { type Breach, calm } from "./Breach.ts"
import * as Frame from "./Frame.ts"
import { HeaderDecoder } from "./HeaderDecoder.ts"

export const bytesMax = 64 * 1_024

/** The headers of a call, names and values in turn. */
export interface HeaderList {
  readonly stream: number
  readonly isEnd: boolean
  readonly list: ReadonlyArray<string>
}

interface Open {
  readonly stream: number
  readonly flags: number
  readonly parts: Array<Buffer>
  bytes: number
}

/** As small as the frames of one block are, there are only so many. */
const partsMax = 64

const tooLong = calm("headers that are too long")
const unreadable: Breach = { code: constants.NGHTTP2_COMPRESSION_ERROR, what: "headers that cannot be read" }

export class HeaderBlocks {
  readonly #decoder = new HeaderDecoder(bytesMax)
  #open: Open | undefined

  /** Whether the next frame must go on with a block, of this call. */
  get goesOn(): number | undefined {
    return this.#open?.stream
  }

  /** Undefined: it goes on in the next frame. */
  begin(flags: number, stream: number, bytes: Buffer): HeaderList | Breach | undefined {
    if ((flags & Frame.flag.endHeaders) !== 0) return this.#read(flags, stream, bytes)
    this.#open = { stream, flags, parts: [Buffer.from(bytes)], bytes: bytes.length }
    return undefined
  }

  goOn(flags: number, bytes: Buffer): HeaderList | Breach | undefined {
    const open = this.#open
    if (open === undefined) return undefined
    open.parts.push(Buffer.from(bytes))
    open.bytes += bytes.length
    if (open.bytes > bytesMax || open.parts.length > partsMax) return tooLong
    if ((flags & Frame.flag.endHeaders) === 0) return undefined
    this.#open = undefined
    return this.#read(open.flags, open.stream, Buffer.concat(open.parts))
  }

  /** Also of a call that was given up: the next headers may name what these number. */
  #read(flags: number, stream: number, block: Buffer): HeaderList | Breach {
    const list = this.#decoder.decode(block)
    return list === undefined ? unreadable : { stream, isEnd: (flags & Frame.flag.endStream) !== 0, list }
  }
}
