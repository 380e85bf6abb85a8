/**
 * The client's side of one HTTP/2 connection (RFC 9113), for calls of gRPC: `node:http2` makes several objects and turns of
 * the event loop of each call, which a poller of thousands of agents pays for with half of its processor time.
 *
 * What a peer may make this side keep is bounded: headers, answers that are not read, replies to its pings; a peer that
 * breaks the protocol, or sends nothing but frames that mean nothing, loses the connection.
 */
import { constants, type OutgoingHttpHeaders } from "node:http2"
import type * as net from "node:net"
import { Answers, windowBytes } from "./Answers.ts"
import * as Breach from "./Breach.ts"
import * as Frame from "./Frame.ts"
import { FrameReader } from "./FrameReader.ts"
import { FramesForNothing } from "./FramesForNothing.ts"
import * as HeaderBlocks from "./HeaderBlocks.ts"
import { Sending } from "./Sending.ts"
import { Streams } from "./Streams.ts"
import { Terms } from "./Terms.ts"
import * as WireStream from "./WireStream.ts"

const windowBytesDefault = 65_535
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

const opening = Buffer.concat([
  Frame.preface,
  Frame.settings([
    [Frame.setting.enablePush, 0],
    [Frame.setting.initialWindowSize, WireStream.windowBytes],
    [Frame.setting.maxHeaderListSize, HeaderBlocks.bytesMax]
  ]),
  Frame.windowUpdate(0, windowBytes - windowBytesDefault)
])

export class Session {
  readonly socket: net.Socket
  watcher: SessionWatcher = notYet
  readonly #reader = new FrameReader((...frame) => this.#take(...frame))
  readonly #forNothing = new FramesForNothing()
  readonly #sending: Sending
  readonly #streams: Streams
  readonly #terms: Terms
  readonly #answers: Answers
  readonly #pings: Array<(error: Error | null) => void> = []
  #closed = false
  #destroyed = false

  constructor(socket: net.Socket) {
    this.socket = socket
    const sending = new Sending(socket)
    const streams = new Streams(sending)
    this.#sending = sending
    this.#streams = streams
    this.#terms = new Terms(streams, sending)
    sending.onRoom = () => streams.sendMore()
    this.#answers = new Answers({ streams, sending, forNothing: this.#forNothing, left: () => this.#left() })
    socket.on("data", (chunk: Buffer) => this.receive(chunk))
    socket.on("error", (cause) => this.#end(cause))
    socket.on("close", () => this.#end(undefined))
    sending.write(opening)
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
    if (!this.#reader.push(chunk)) this.#breach(Breach.frameSize("a frame that is too long"))
  }

  /** Undefined when it takes no more calls. One without a body has it by `send`. */
  request(
    headers: OutgoingHttpHeaders,
    body: Buffer | undefined,
    listener: WireStream.StreamListener
  ): WireStream.WireStream | undefined {
    return this.#closed || this.#streams.isSpent ? undefined : this.#streams.add(headers, body, listener)
  }

  /** Of a call that goes on; the parts are as they are given until `sent`, which is not called when the call ends before. */
  send(stream: WireStream.WireStream, parts: ReadonlyArray<Buffer>, isEnd: boolean, sent: () => void): void {
    this.#streams.send(stream, parts, isEnd, sent)
  }

  /** Nobody is told of its end. */
  cancel(stream: WireStream.WireStream, code: number): void {
    if (!this.#streams.remove(stream)) return
    this.#sending.write(Frame.rstStream(stream.id, code))
    this.#left()
  }

  /** What comes is held, as much as the peer has room for. */
  pause(stream: WireStream.WireStream): void {
    stream.isPaused = true
  }

  resume(stream: WireStream.WireStream): void {
    this.#answers.resume(stream)
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

  /** Answers whether to go on. */
  #take(type: number, flags: number, id: number, payload: Buffer): boolean {
    const breach = this.#read(type, flags, id, payload)
    if (breach !== undefined) this.#breach(breach)
    return !this.#destroyed
  }

  #read(type: number, flags: number, id: number, payload: Buffer): Breach.Breach | undefined {
    if (this.#answers.isAmidHeaders(type, id)) return Breach.protocol("a frame within headers")
    if (!this.#terms.isKnown && type !== Frame.type.settings) return Breach.protocol("no SETTINGS at first")
    switch (type) {
      case Frame.type.data:
        return this.#answers.data(flags, id, payload)
      case Frame.type.headers:
        return this.#answers.headers(flags, id, payload)
      case Frame.type.continuation:
        return this.#answers.continuation(flags, payload)
      case Frame.type.rstStream:
        return this.#answers.reset(id, payload)
      case Frame.type.settings:
        return this.#settings(flags, payload)
      case Frame.type.ping:
        return this.#ping(flags, payload)
      case Frame.type.goaway:
        return this.#goaway(payload)
      case Frame.type.windowUpdate:
        return this.#window(id, payload)
      case Frame.type.pushPromise:
        return Breach.protocol("a push, which was not allowed")
      default:
        return this.#forNothing.add()
    }
  }

  #settings(flags: number, payload: Buffer): Breach.Breach | undefined {
    if ((flags & Frame.flag.ack) !== 0) return this.#forNothing.add()
    const breach = this.#terms.settings(payload) ?? this.#reply(Frame.settingsAck)
    if (breach !== undefined) return breach
    if (!this.#terms.isKnown) {
      this.#terms.isKnown = true
      this.watcher.ready()
    }
    this.#left()
    this.#streams.sendMore()
    return undefined
  }

  #ping(flags: number, payload: Buffer): Breach.Breach | undefined {
    if (payload.length !== 8) return Breach.frameSize("PING of another size")
    if ((flags & Frame.flag.ack) === 0) return this.#reply(Frame.ping(payload, true))
    this.#pings.shift()?.(null)
    return this.#forNothing.add()
  }

  /** An answer to a frame of the peer, who may send many and read none. */
  #reply(bytes: Buffer): Breach.Breach | undefined {
    if (this.#sending.unsentBytes > unsentRepliesBytesMax) return Breach.calm("more than it reads answers to")
    this.#sending.write(bytes)
    return this.#forNothing.add()
  }

  /** Calls that the peer has not begun are told that it refused them; the others go on. */
  #goaway(payload: Buffer): Breach.Breach | undefined {
    if (payload.length < 8) return Breach.frameSize("GOAWAY of another size")
    this.#closed = true
    this.watcher.goaway(payload.readUInt32BE(4), Buffer.from(payload.subarray(8)))
    const unseen = this.#streams.takeUnseen(payload.readUInt32BE(0) & 0x7fffffff)
    for (const { listener } of unseen) listener.closed(constants.NGHTTP2_REFUSED_STREAM, false)
    this.#left()
    return undefined
  }

  #window(id: number, payload: Buffer): Breach.Breach | undefined {
    if (payload.length !== 4) return Breach.frameSize("WINDOW_UPDATE of another size")
    const bytes = payload.readUInt32BE(0) & 0x7fffffff
    return id === 0 ? this.#terms.window(bytes) ?? this.#forNothing.add() : this.#answers.window(id, bytes)
  }

  /** There may be a place now for one that waits; or it was the last. */
  #left(): void {
    this.#streams.openWaiting()
    if (!this.#closed || this.#destroyed || this.#streams.size > 0) return
    this.#sending.write(Frame.goaway(constants.NGHTTP2_NO_ERROR))
    this.#sending.flush()
    this.socket.end()
    this.socket.setTimeout(lingerMillis, () => this.socket.destroy())
    this.#over(undefined)
  }

  /** The peer broke the protocol. */
  #breach({ code, what }: Breach.Breach): void {
    if (this.#destroyed) return
    this.#sending.write(Frame.goaway(code))
    this.#sending.flush()
    this.#end(new Error(`Protocol error: the peer sent ${what}`))
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
    const open = this.#streams.takeUnseen(0)
    for (const done of this.#pings.splice(0)) done(cause ?? new Error("the connection has ended"))
    this.watcher.ended(cause)
    for (const { listener } of open) listener.closed(constants.NGHTTP2_CANCEL, true)
  }
}
