/** What the peer says of calls: headers, bytes, and ends, also those that came while nobody wanted to read. */
import { constants } from "node:http2"
import { setImmediate } from "node:timers"
import * as Breach from "./Breach.ts"
import * as Frame from "./Frame.ts"
import type { FramesForNothing } from "./FramesForNothing.ts"
import * as HeaderBlocks from "./HeaderBlocks.ts"
import type { Sending } from "./Sending.ts"
import type { Streams } from "./Streams.ts"
import * as WireStream from "./WireStream.ts"

/** Of all calls together, beyond what each may hold. */
export const windowBytes = 16 * 2 ** 20

export interface AnswersOptions {
  readonly streams: Streams
  readonly sending: Sending
  readonly forNothing: FramesForNothing
  /** A call has ended. */
  readonly left: () => void
}

export class Answers {
  readonly #streams: Streams
  readonly #sending: Sending
  readonly #forNothing: FramesForNothing
  readonly #left: () => void
  readonly #blocks = new HeaderBlocks.HeaderBlocks()
  /** Of all calls, since the peer was told last that there is room for more. */
  #taken = 0

  constructor({ forNothing, left, sending, streams }: AnswersOptions) {
    this.#streams = streams
    this.#sending = sending
    this.#forNothing = forNothing
    this.#left = left
  }

  /** Whether a frame stands between those of one header block. */
  isAmidHeaders(type: number, id: number): boolean {
    const { goesOn } = this.#blocks
    return goesOn !== undefined && (type !== Frame.type.continuation || id !== goesOn)
  }

  data(flags: number, id: number, payload: Buffer): Breach.Breach | undefined {
    // All of it counts, with its padding, whether anybody wants it.
    this.#taken += payload.length
    if (this.#taken > windowBytes / 2) {
      this.#sending.write(Frame.windowUpdate(0, this.#taken))
      this.#taken = 0
    }
    const bytes = WireStream.unpadded(flags, payload, Frame.type.data)
    if (bytes === undefined || id === 0) return Breach.protocol("DATA that is none")
    const stream = this.#streams.get(id)
    if (stream === undefined) return this.#ofPast(id)
    if (!stream.hasHeaders) return this.#resetBy(stream, constants.NGHTTP2_PROTOCOL_ERROR)
    const isEnd = (flags & Frame.flag.endStream) !== 0
    const breach = bytes.length === 0 && !isEnd ? this.#forNothing.add() : undefined
    if (breach !== undefined) return breach
    stream.taken += payload.length
    if (stream.taken > WireStream.windowBytes) return this.#resetBy(stream, constants.NGHTTP2_FLOW_CONTROL_ERROR)
    if (bytes.length > 0) {
      if (stream.isPaused) WireStream.hold(stream, bytes)
      else this.#deliver(stream, bytes)
    }
    if (isEnd && this.#streams.has(id)) this.#finish(stream, "none")
    return undefined
  }

  headers(flags: number, id: number, payload: Buffer): Breach.Breach | undefined {
    const bytes = WireStream.unpadded(flags, payload, Frame.type.headers)
    if (bytes === undefined || id === 0) return Breach.protocol("HEADERS that are none")
    return this.#list(this.#blocks.begin(flags, id, bytes))
  }

  continuation(flags: number, payload: Buffer): Breach.Breach | undefined {
    return this.#blocks.goesOn === undefined
      ? Breach.protocol("CONTINUATION without headers")
      : this.#list(this.#blocks.goOn(flags, payload))
  }

  reset(id: number, payload: Buffer): Breach.Breach | undefined {
    if (payload.length !== 4) return Breach.frameSize("RST_STREAM of another size")
    const stream = this.#streams.get(id)
    if (stream === undefined) return this.#ofPast(id)
    // All that it had to say is here, and only has not been read.
    if (stream.heldEnd !== undefined) return this.#forNothing.add()
    return this.#close(stream, payload.readUInt32BE(0))
  }

  window(id: number, bytes: number): Breach.Breach | undefined {
    const stream = this.#streams.get(id)
    if (stream === undefined) return this.#ofPast(id)
    if (!this.#sending.widenFor(stream, bytes)) return this.#resetBy(stream, constants.NGHTTP2_FLOW_CONTROL_ERROR)
    this.#sending.sendBody(stream)
    return this.#forNothing.add()
  }

  /** Later: whoever asks for more is in the middle of reading. */
  resume(stream: WireStream.WireStream): void {
    setImmediate(() => this.#resumed(stream))
  }

  #list(read: HeaderBlocks.HeaderList | Breach.Breach | undefined): Breach.Breach | undefined {
    if (read === undefined || "what" in read) return read
    const { isEnd, list } = read
    const stream = this.#streams.get(read.stream)
    if (stream === undefined) return this.#ofPast(read.stream)
    const isInterim = list[0] === ":status" && list[1]?.startsWith("1") === true
    if (isInterim && !isEnd) return this.#forNothing.add()
    if (stream.hasHeaders && !isEnd) return this.#resetBy(stream, constants.NGHTTP2_PROTOCOL_ERROR)
    if (stream.hasHeaders) this.#finish(stream, list)
    else {
      stream.hasHeaders = true
      stream.listener.headers(list, isEnd)
      if (isEnd) this.#ended(stream, "none")
    }
    return undefined
  }

  #deliver(stream: WireStream.WireStream, bytes: Buffer): void {
    stream.listener.data(bytes)
    const room = this.#streams.has(stream.id) ? WireStream.roomToTell(stream) : 0
    if (room > 0) this.#sending.write(Frame.windowUpdate(stream.id, room))
  }

  /** The peer has said all; `none`: without trailers. */
  #finish(stream: WireStream.WireStream, end: WireStream.End): void {
    if (stream.isPaused) stream.heldEnd = end
    else this.#ended(stream, end)
  }

  /** An answer that came before the end of the request ends that too. */
  #ended(stream: WireStream.WireStream, end: WireStream.End): void {
    if (end !== "none") stream.listener.headers(end, true)
    if (!this.#streams.remove(stream)) return
    if (WireStream.isSending(stream)) this.#sending.write(Frame.rstStream(stream.id, constants.NGHTTP2_CANCEL))
    stream.listener.closed(constants.NGHTTP2_NO_ERROR, false)
    this.#left()
  }

  #resumed(stream: WireStream.WireStream): void {
    stream.isPaused = false
    while (!stream.isPaused) {
      const next = WireStream.take(stream)
      if (next === undefined) break
      this.#deliver(stream, next)
    }
    const { heldEnd } = stream
    if (stream.isPaused || heldEnd === undefined) return
    stream.heldEnd = undefined
    this.#ended(stream, heldEnd)
  }

  #resetBy(stream: WireStream.WireStream, code: number): undefined {
    this.#sending.write(Frame.rstStream(stream.id, code))
    return this.#close(stream, code)
  }

  #close(stream: WireStream.WireStream, code: number): undefined {
    this.#streams.remove(stream)
    stream.listener.closed(code, false)
    this.#left()
  }

  /** What is said of a call that has ended here may have been on its way. */
  #ofPast(id: number): Breach.Breach | undefined {
    return this.#streams.isPast(id) ? this.#forNothing.add() : Breach.ofNoCall
  }
}
