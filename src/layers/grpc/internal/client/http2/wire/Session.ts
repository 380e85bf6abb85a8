/**
 * The client's side of one HTTP/2 connection (RFC 9113), for calls of gRPC: `node:http2` makes several objects and turns of
 * the event loop of each call, which a poller of thousands of agents pays for with half of its processor time.
 *
 * What a peer may make this side keep is bounded: headers, answers that are not read, replies to its pings; a peer that
 * breaks the protocol, or sends nothing but frames that mean nothing, loses the connection.
 */
import { constants, type OutgoingHttpHeaders } from "node:http2"
import type * as net from "node:net"
import { setImmediate } from "node:timers"
import type { Breach } from "./Breach.ts"
import * as Frame from "./Frame.ts"
import { FrameReader } from "./FrameReader.ts"
import { FramesForNothing } from "./FramesForNothing.ts"
import * as HeaderBlocks from "./HeaderBlocks.ts"
import { Sending } from "./Sending.ts"
import * as WireStream from "./WireStream.ts"

const streamIdMax = 2 ** 31 - 1
/** Of all calls together, beyond what each may hold. */
const connectionWindowBytes = 16 * 2 ** 20
const connectionWindowDefault = 65_535
/** What waits for a peer that reads nothing. */
const unsentRepliesBytesMax = 2 ** 20
/** A peer that does not close its side either. */
const lingerMillis = 5_000

export interface SessionWatcher {
  /** The peer's first SETTINGS: it speaks HTTP/2. */
  readonly ready: () => void
  /** It takes no more calls. */
  readonly goaway: (code: number, data: Buffer) => void
  /** Nothing goes over it any more; the reason where there is one. */
  readonly ended: (cause: Error | undefined) => void
}

const notYet: SessionWatcher = { ready: () => {}, goaway: () => {}, ended: () => {} }

const { NGHTTP2_FLOW_CONTROL_ERROR, NGHTTP2_FRAME_SIZE_ERROR, NGHTTP2_NO_ERROR, NGHTTP2_PROTOCOL_ERROR } = constants

const opening = Buffer.concat([
  Frame.preface,
  Frame.settings([
    [Frame.setting.enablePush, 0],
    [Frame.setting.initialWindowSize, WireStream.windowBytes],
    [Frame.setting.maxHeaderListSize, HeaderBlocks.bytesMax]
  ]),
  Frame.windowUpdate(0, connectionWindowBytes - connectionWindowDefault)
])

export class Session {
  readonly socket: net.Socket
  watcher: SessionWatcher = notYet
  readonly #reader = new FrameReader((...frame) => this.#take(...frame))
  readonly #blocks = new HeaderBlocks.HeaderBlocks()
  readonly #forNothing = new FramesForNothing()
  readonly #sending: Sending
  readonly #streams = new Map<number, WireStream.WireStream>()
  /** Those that the peer has no place for now, with their headers. */
  readonly #waiting = new Map<WireStream.WireStream, OutgoingHttpHeaders>()
  readonly #pings: Array<(error: Error | null) => void> = []
  #nextId = 1
  /** Of all calls, since the peer was told last that there is room for more. */
  #taken = 0
  #streamsMax = Infinity
  #isReady = false
  #closed = false
  #destroyed = false

  constructor(socket: net.Socket) {
    this.socket = socket
    this.#sending = new Sending(socket)
    socket.on("data", (chunk: Buffer) => this.receive(chunk))
    socket.on("error", (cause) => this.#end(cause))
    socket.on("close", () => this.#end(undefined))
    this.#sending.write(opening)
  }

  /** Takes no more calls. */
  get closed(): boolean {
    return this.#closed
  }

  get destroyed(): boolean {
    return this.#destroyed
  }

  /** What the socket has read, where it is not told by its events. */
  receive(chunk: Buffer): void {
    if (this.#destroyed) return
    if (!this.#reader.push(chunk)) this.#breach(NGHTTP2_FRAME_SIZE_ERROR, "a frame that is too long")
  }

  /** Undefined when it takes no more calls. */
  request(
    headers: OutgoingHttpHeaders,
    body: Buffer,
    listener: WireStream.StreamListener
  ): WireStream.WireStream | undefined {
    if (this.#closed || this.#nextId > streamIdMax) return undefined
    const stream = WireStream.make(listener, body)
    if (this.#streams.size >= this.#streamsMax) this.#waiting.set(stream, headers)
    else this.#open(stream, headers)
    return stream
  }

  /** Nobody is told of its end. */
  cancel(stream: WireStream.WireStream, code: number): void {
    this.#waiting.delete(stream)
    if (!this.#streams.delete(stream.id)) return
    this.#sending.write(Frame.rstStream(stream.id, code))
    this.#left()
  }

  /** What comes is held, as much as the peer has room for. */
  pause(stream: WireStream.WireStream): void {
    stream.isPaused = true
  }

  /** Later: whoever asks for more is in the middle of reading. */
  resume(stream: WireStream.WireStream): void {
    setImmediate(() => this.#resumed(stream))
  }

  /** False when it cannot be sent. */
  ping(done: (error: Error | null) => void): boolean {
    if (this.#destroyed) return false
    this.#pings.push(done)
    this.#sending.write(Frame.ping(new Uint8Array(8), false))
    return true
  }

  /** Ends when the last call does. */
  close(): void {
    this.#closed = true
    this.#left()
  }

  destroy(): void {
    this.#end(undefined)
  }

  #open(stream: WireStream.WireStream, headers: OutgoingHttpHeaders): void {
    stream.id = this.#nextId
    this.#nextId += 2
    this.#streams.set(stream.id, stream)
    this.#sending.open(stream, headers)
  }

  /** Answers whether to go on. */
  #take(type: number, flags: number, id: number, payload: Buffer): boolean {
    const { goesOn } = this.#blocks
    if (goesOn !== undefined && (type !== Frame.type.continuation || id !== goesOn)) {
      return this.#breach(NGHTTP2_PROTOCOL_ERROR, "a frame within headers")
    }
    if (!this.#isReady && type !== Frame.type.settings) {
      return this.#breach(NGHTTP2_PROTOCOL_ERROR, "no SETTINGS at first")
    }
    switch (type) {
      case Frame.type.data:
        return this.#takeData(flags, id, payload)
      case Frame.type.headers:
        return this.#takeHeaders(flags, id, payload)
      case Frame.type.continuation:
        return goesOn === undefined
          ? this.#breach(NGHTTP2_PROTOCOL_ERROR, "CONTINUATION without headers")
          : this.#takeList(this.#blocks.goOn(flags, payload))
      case Frame.type.rstStream:
        return this.#takeReset(id, payload)
      case Frame.type.settings:
        return this.#takeSettings(flags, payload)
      case Frame.type.ping:
        return this.#takePing(flags, payload)
      case Frame.type.goaway:
        return this.#takeGoaway(payload)
      case Frame.type.windowUpdate:
        return this.#takeWindow(id, payload)
      case Frame.type.pushPromise:
        return this.#breach(NGHTTP2_PROTOCOL_ERROR, "a push, which was not allowed")
      default:
        return this.#forNone()
    }
  }

  #takeData(flags: number, id: number, payload: Buffer): boolean {
    // All of it counts, with its padding, whether anybody wants it.
    this.#taken += payload.length
    if (this.#taken > connectionWindowBytes / 2) {
      this.#sending.write(Frame.windowUpdate(0, this.#taken))
      this.#taken = 0
    }
    const bytes = WireStream.unpadded(flags, payload, Frame.type.data)
    if (bytes === undefined || id === 0) return this.#breach(NGHTTP2_PROTOCOL_ERROR, "DATA that is none")
    const stream = this.#streams.get(id)
    if (stream === undefined) return this.#isPast(id) && this.#forNone()
    if (!stream.hasHeaders) return this.#resetBy(stream, NGHTTP2_PROTOCOL_ERROR)
    const isEnd = (flags & Frame.flag.endStream) !== 0
    if (bytes.length === 0 && !isEnd && !this.#forNone()) return false
    stream.taken += payload.length
    if (stream.taken > WireStream.windowBytes) return this.#resetBy(stream, NGHTTP2_FLOW_CONTROL_ERROR)
    if (bytes.length > 0) {
      if (stream.isPaused) WireStream.hold(stream, bytes)
      else this.#deliver(stream, bytes)
    }
    if (isEnd && this.#streams.has(id)) this.#finish(stream, "none")
    return !this.#destroyed
  }

  #deliver(stream: WireStream.WireStream, bytes: Buffer): void {
    stream.listener.data(bytes)
    const room = this.#streams.has(stream.id) ? WireStream.roomToTell(stream) : 0
    if (room > 0) this.#sending.write(Frame.windowUpdate(stream.id, room))
  }

  #takeHeaders(flags: number, id: number, payload: Buffer): boolean {
    const bytes = WireStream.unpadded(flags, payload, Frame.type.headers)
    if (bytes === undefined || id === 0) return this.#breach(NGHTTP2_PROTOCOL_ERROR, "HEADERS that are none")
    return this.#takeList(this.#blocks.begin(flags, id, bytes))
  }

  #takeList(read: HeaderBlocks.HeaderList | Breach | undefined): boolean {
    if (read === undefined) return true
    if ("what" in read) return this.#breach(read.code, read.what)
    const { isEnd, list } = read
    const stream = this.#streams.get(read.stream)
    if (stream === undefined) return this.#isPast(read.stream) && this.#forNone()
    const isInterim = list[0] === ":status" && list[1]?.startsWith("1") === true
    if (isInterim && !isEnd) return this.#forNone()
    if (stream.hasHeaders && !isEnd) return this.#resetBy(stream, NGHTTP2_PROTOCOL_ERROR)
    if (stream.hasHeaders) this.#finish(stream, list)
    else {
      stream.hasHeaders = true
      stream.listener.headers(list, isEnd)
      if (isEnd) this.#ended(stream, "none")
    }
    return !this.#destroyed
  }

  /** The peer has said all; `none`: without trailers. */
  #finish(stream: WireStream.WireStream, end: WireStream.End): void {
    if (stream.isPaused) stream.heldEnd = end
    else this.#ended(stream, end)
  }

  /** An answer that came before the end of the request ends that too. */
  #ended(stream: WireStream.WireStream, end: WireStream.End): void {
    if (end !== "none") stream.listener.headers(end, true)
    if (!this.#streams.delete(stream.id)) return
    if (stream.rest !== undefined) this.#sending.write(Frame.rstStream(stream.id, constants.NGHTTP2_CANCEL))
    stream.listener.closed(NGHTTP2_NO_ERROR, false)
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

  #resetBy(stream: WireStream.WireStream, code: number): boolean {
    this.#sending.write(Frame.rstStream(stream.id, code))
    return this.#reset(stream, code)
  }

  #reset(stream: WireStream.WireStream, code: number): boolean {
    this.#streams.delete(stream.id)
    stream.listener.closed(code, false)
    this.#left()
    return !this.#destroyed
  }

  #takeReset(id: number, payload: Buffer): boolean {
    if (payload.length !== 4) return this.#breach(NGHTTP2_FRAME_SIZE_ERROR, "RST_STREAM of another size")
    const stream = this.#streams.get(id)
    if (stream === undefined) return this.#isPast(id) && this.#forNone()
    // All that it had to say is here, and only has not been read.
    return stream.heldEnd === undefined ? this.#reset(stream, payload.readUInt32BE(0)) : this.#forNone()
  }

  /** A frame that brings nothing forward. */
  #forNone(): boolean {
    return this.#forNothing.add() || this.#breach(constants.NGHTTP2_ENHANCE_YOUR_CALM, "too many frames for nothing")
  }

  /** What is said of a call that has ended here may have been on its way. */
  #isPast(id: number): boolean {
    const isOwn = id % 2 === 1 && id < this.#nextId
    return isOwn || this.#breach(NGHTTP2_PROTOCOL_ERROR, "a frame of a call that never was")
  }

  #takeSettings(flags: number, payload: Buffer): boolean {
    if ((flags & Frame.flag.ack) !== 0) return this.#forNone()
    if (payload.length % 6 !== 0) return this.#breach(NGHTTP2_FRAME_SIZE_ERROR, "SETTINGS of another size")
    for (let at = 0; at < payload.length; at += 6) {
      if (!this.#set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2))) return false
    }
    if (!this.#reply(Frame.settingsAck)) return false
    if (!this.#isReady) {
      this.#isReady = true
      this.watcher.ready()
    }
    this.#left()
    this.#sendMore()
    return !this.#destroyed
  }

  #set(id: number, value: number): boolean {
    switch (id) {
      case Frame.setting.headerTableSize:
        this.#sending.setTableBytes(value)
        return true
      case Frame.setting.maxConcurrentStreams:
        this.#streamsMax = value
        return true
      case Frame.setting.initialWindowSize: {
        const more = this.#sending.setStreamWindow(value)
        if (more === undefined) return this.#breach(NGHTTP2_FLOW_CONTROL_ERROR, "a window that is too large")
        for (const stream of this.#streams.values()) stream.sendWindow += more
        return true
      }
      case Frame.setting.maxFrameSize:
        return this.#sending.setFrameBytes(value) || this.#breach(NGHTTP2_PROTOCOL_ERROR, "frames that are too small")
      default:
        return true
    }
  }

  #takePing(flags: number, payload: Buffer): boolean {
    if (payload.length !== 8) return this.#breach(NGHTTP2_FRAME_SIZE_ERROR, "PING of another size")
    if ((flags & Frame.flag.ack) === 0) return this.#reply(Frame.ping(payload, true))
    this.#pings.shift()?.(null)
    return this.#forNone()
  }

  /** An answer to a frame of the peer, who may send many and read none. */
  #reply(bytes: Buffer): boolean {
    if (this.#sending.unsentBytes > unsentRepliesBytesMax) {
      return this.#breach(constants.NGHTTP2_ENHANCE_YOUR_CALM, "more than it reads answers to")
    }
    this.#sending.write(bytes)
    return this.#forNone()
  }

  /** Calls that the peer has not begun are told that it refused them; the others go on. */
  #takeGoaway(payload: Buffer): boolean {
    if (payload.length < 8) return this.#breach(NGHTTP2_FRAME_SIZE_ERROR, "GOAWAY of another size")
    const last = payload.readUInt32BE(0) & 0x7fffffff
    this.#closed = true
    this.watcher.goaway(payload.readUInt32BE(4), Buffer.from(payload.subarray(8)))
    const unseen = [...this.#streams.values()].filter(({ id }) => id > last)
    for (const { id } of unseen) this.#streams.delete(id)
    const waiting = [...this.#waiting.keys()]
    this.#waiting.clear()
    for (const { listener } of [...unseen, ...waiting]) listener.closed(constants.NGHTTP2_REFUSED_STREAM, false)
    this.#left()
    return !this.#destroyed
  }

  #takeWindow(id: number, payload: Buffer): boolean {
    if (payload.length !== 4) return this.#breach(NGHTTP2_FRAME_SIZE_ERROR, "WINDOW_UPDATE of another size")
    const bytes = payload.readUInt32BE(0) & 0x7fffffff
    const stream = this.#streams.get(id)
    if (id === 0) {
      if (!this.#sending.widen(bytes)) return this.#breach(NGHTTP2_FLOW_CONTROL_ERROR, "a window that is too large")
      this.#sendMore()
    } else if (stream === undefined) {
      if (!this.#isPast(id)) return false
    } else if (!this.#sending.widenFor(stream, bytes)) {
      return this.#resetBy(stream, NGHTTP2_FLOW_CONTROL_ERROR)
    } else this.#sending.sendBody(stream)
    return this.#forNone()
  }

  #sendMore(): void {
    for (const stream of this.#streams.values()) if (stream.rest !== undefined) this.#sending.sendBody(stream)
  }

  /** There may be a place now for one that waits; or it was the last. */
  #left(): void {
    for (const [stream, headers] of this.#waiting) {
      if (this.#streams.size >= this.#streamsMax) break
      this.#waiting.delete(stream)
      this.#open(stream, headers)
    }
    if (!this.#closed || this.#destroyed || this.#streams.size + this.#waiting.size > 0) return
    this.#sending.write(Frame.goaway(NGHTTP2_NO_ERROR))
    this.#sending.flush()
    this.socket.end()
    this.socket.setTimeout(lingerMillis, () => this.socket.destroy())
    this.#over(undefined)
  }

  /** The peer broke the protocol. */
  #breach(code: number, what: string): false {
    if (!this.#destroyed) {
      this.#sending.write(Frame.goaway(code))
      this.#sending.flush()
      this.#end(new Error(`Protocol error: the peer sent ${what}`))
    }
    return false
  }

  #end(cause: Error | undefined): void {
    if (this.#destroyed) return
    this.socket.destroy()
    this.#over(cause)
  }

  #over(cause: Error | undefined): void {
    this.#closed = true
    this.#destroyed = true
    this.#sending.end()
    const open = [...this.#streams.values(), ...this.#waiting.keys()]
    this.#streams.clear()
    this.#waiting.clear()
    for (const done of this.#pings.splice(0)) done(cause ?? new Error("the connection has ended"))
    this.watcher.ended(cause)
    for (const { listener } of open) listener.closed(constants.NGHTTP2_CANCEL, true)
  }
}
