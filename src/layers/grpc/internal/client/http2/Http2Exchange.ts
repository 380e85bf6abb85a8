/**
 * One call over a connection, without fibers: the request goes out, or one after the other, frames and the status come back.
 *
 * What the peer has surely not seen is sent again of its own accord: once when it refused the stream, and as often as it
 * takes when the session turned out to be at its end before the stream was opened. Of several requests none is kept once it has gone
 * out, so that a call of which one has is not sent again.
 */
import { status } from "@grpc/grpc-js"
import { Option, Result } from "effect"
import type { OutgoingHttpHeaders } from "node:http2"
import { constants } from "node:http2"
import type { MessageRoom } from "../../../GrpcCallOptions.ts"
import { statusCode } from "../../../GrpcError.ts"
import { type Frame, FrameDecoder } from "../../Frames.ts"
import * as Retries from "../Retries.ts"
import * as CallStatus from "./CallStatus.ts"
import type { Http2Connection, Line } from "./Http2Connection.ts"
import type { StreamListener, WireStream } from "./wire/WireStream.ts"

export interface ExchangeOptions {
  readonly connection: Http2Connection
  readonly headers: OutgoingHttpHeaders
  /** In its frame, of which a long one has more than one part; undefined for a call whose requests come by `send`. */
  readonly request: ReadonlyArray<Buffer> | undefined
  readonly isPatient: boolean
  readonly bytesMax: number
  /** Asked for the first message that is long. */
  readonly room?: MessageRoom | undefined
}

export interface Listener {
  /** Synchronously, with names and values in turn; also of an answer that has nothing but trailers. */
  readonly headers: ((raw: ReadonlyArray<string>) => void) | undefined
  /** `false` for no more until `resume`. */
  readonly frame: (frame: Frame, encoding: string | undefined) => boolean
  /** Once. */
  readonly end: (end: CallStatus.CallStatus, trailers: ReadonlyArray<string>, peer: string) => void
}

interface Going {
  readonly parts: ReadonlyArray<Buffer>
  readonly isEnd: boolean
  readonly sent: () => void
}

/** Sessions that end at the very moment at which they are to be used. */
const attemptsMax = 5

const none: ReadonlyArray<string> = []

export class Http2Exchange implements StreamListener {
  readonly #options: ExchangeOptions
  readonly #listener: Listener
  readonly #decoder: FrameDecoder
  #stopWaiting: (() => void) | undefined
  #line: Line | undefined
  #stream: WireStream | undefined
  #attempts = 0
  #wasRefused = false
  #httpStatus: number | undefined
  #encoding: string | undefined
  #isOver = false
  #hasAsked = false
  #leaveRoom: (() => void) | undefined
  /** The request that is on its way, as long as it may have to be sent again. */
  #going: Going | undefined
  #hasSent = false
  /** Of the only request, and the last attempt. */
  #isWhole = false

  constructor(options: ExchangeOptions, listener: Listener) {
    this.#options = options
    this.#listener = listener
    this.#decoder = new FrameDecoder(options.bytesMax)
  }

  begin(): void {
    if (!this.#isOver) this.#begin()
  }

  /** Who was asked; empty while nobody is. */
  get peer(): string {
    return this.#line?.peer ?? ""
  }

  /** Whether all of the only request has left for the system, so that nobody reads its bytes any more once the call is over. */
  get isWhole(): boolean {
    return this.#isWhole
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Ends the call here and at the peer; nobody is told. */
  cancel(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopWaiting?.()
    this.#leave()
    this.#leaveRoom?.()
  }

  /** The next request in its frame, or the end of them; the one before it has been `sent`, which is not called after the end. */
  send(parts: ReadonlyArray<Buffer>, isEnd: boolean, sent: () => void): void {
    if (this.#isOver) return
    const going: Going = {
      parts,
      isEnd,
      sent: () => {
        if (this.#going !== going) return
        this.#going = undefined
        this.#hasSent = true
        sent()
      }
    }
    this.#going = going
    this.#goOn()
  }

  #goOn(): void {
    const stream = this.#stream
    if (stream === undefined || this.#going === undefined) return
    const { isEnd, parts, sent } = this.#going
    this.#line?.session.send(stream, parts, isEnd, () => {
      // Not what a stream that was refused had sent.
      if (this.#stream === stream) sent()
    })
  }

  /** After `frame` has answered `false`. */
  resume(): void {
    if (this.#stream !== undefined) this.#line?.session.resume(this.#stream)
  }

  #begin(): void {
    const { connection } = this.#options
    const { line } = connection
    if (line !== undefined) return this.#open(line)
    this.#stopWaiting = connection.wait({
      isPatient: this.#options.isPatient,
      connected: (line) => this.#open(line),
      failed: (detail) => this.#finish({ code: status.UNAVAILABLE, detail }, none)
    })
  }

  #open(line: Line): void {
    this.#attempts += 1
    const { headers, request } = this.#options
    const only = request?.length === 1 ? request[0] : undefined
    const stream = line.session.request(headers, only, this)
    if (stream === undefined) return this.#notOpened(line)
    this.#stream = stream
    this.#line = line
    line.keepalive.began()
    // A short one has been copied.
    this.#isWhole = only !== undefined
    if (request !== undefined && only === undefined) {
      const attempt = this.#attempts
      line.session.send(stream, request, true, () => {
        if (this.#attempts === attempt) this.#isWhole = true
      })
    }
    this.#goOn()
  }

  /** The session has ended, which nobody has heard of yet, or has no numbers left for streams. */
  #notOpened(line: Line): void {
    this.#options.connection.giveUp(line)
    if (this.#attempts < attemptsMax) return this.#begin()
    this.#finish({ code: status.UNAVAILABLE, detail: "the session has ended" }, none)
  }

  headers(raw: ReadonlyArray<string>, isEnd: boolean): void {
    if (this.#isOver) return
    if (this.#httpStatus === undefined) {
      this.#httpStatus = Number(CallStatus.headerOf(raw, ":status"))
      this.#encoding = CallStatus.headerOf(raw, "grpc-encoding")
      if (!isEnd) return this.#listener.headers?.(raw)
    }
    const end = CallStatus.fromTrailers(raw, this.#httpStatus)
    if (end.code === status.OK && this.#decoder.isMidFrame) {
      return this.#finish({ code: status.INTERNAL, detail: "the answer ends within a message (unexpected end)" }, none)
    }
    this.#finish(end, raw)
  }

  data(bytes: Buffer): void {
    if (this.#isOver) return
    // The bytes count until this returns, and messages for longer.
    this.#decoder.push(bytes, true)
    while (true) {
      const next = this.#decoder.next()
      if (Result.isFailure(next)) {
        const isWeb = this.#httpStatus !== undefined && this.#httpStatus !== 200
        const found = isWeb
          ? CallStatus.fromHttpStatus(this.#httpStatus ?? 0)
          : { code: statusCode(next.failure), detail: next.failure.detail }
        this.#leave()
        return this.#finish(found, none)
      }
      if (Option.isNone(next.success)) return this.#askForRoom()
      const isTaken = this.#listener.frame(next.success.value, this.#encoding)
      if (!isTaken && this.#stream !== undefined) this.#line?.session.pause(this.#stream)
      if (this.#isOver) return
    }
  }

  closed(code: number, isLost: boolean): void {
    const line = this.#line
    const isOpened = this.#stream === undefined || this.#stream.id > 0
    line?.keepalive.ended()
    this.#stream = undefined
    if (this.#isOver) return
    if (!isOpened && line !== undefined) return this.#notOpened(line)
    const isUnseen = CallStatus.isRefused(code) && this.#httpStatus === undefined
    if (isUnseen && !this.#wasRefused && !this.#hasSent) {
      this.#wasRefused = true
      Retries.count()
      return this.#begin()
    }
    this.#finish(isLost ? CallStatus.dropped : CallStatus.fromReset(code, this.#httpStatus), none)
  }

  /** Once, for a message that has begun to come and is long; the peer waits until it is known. */
  #askForRoom(): void {
    const { room } = this.#options
    const bytes = room === undefined || this.#hasAsked ? 0 : this.#decoder.awaitedBytes
    if (room === undefined || bytes === 0) return
    this.#hasAsked = true
    let isPaused = false
    let isTold = false
    const leave = room.enter(bytes, (refusal) => {
      if (isTold || this.#isOver) return
      isTold = true
      if (refusal !== undefined) {
        this.#leave()
        return this.#finish({ code: status.RESOURCE_EXHAUSTED, detail: refusal }, none)
      }
      this.#decoder.gather()
      if (isPaused) this.resume()
    })
    if (this.#isOver) return leave()
    this.#leaveRoom = leave
    if (isTold || this.#stream === undefined) return
    isPaused = true
    this.#line?.session.pause(this.#stream)
  }

  /** Wants no more of the peer. */
  #leave(): void {
    if (this.#stream === undefined) return
    this.#line?.session.cancel(this.#stream, constants.NGHTTP2_CANCEL)
    this.#line?.keepalive.ended()
    this.#stream = undefined
  }

  #finish(end: CallStatus.CallStatus, trailers: ReadonlyArray<string>): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#leaveRoom?.()
    this.#listener.end(end, trailers, this.peer)
  }
}
