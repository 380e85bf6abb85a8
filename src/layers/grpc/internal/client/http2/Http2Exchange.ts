/**
 * One call over a connection of `node:http2`, without fibers: the only request goes out, frames and the status come back.
 *
 * What the peer has surely not seen is sent again of its own accord: once when it refused the stream, and as often as it
 * takes when the session turned out to be at its end before the stream was opened.
 */
import { status } from "@grpc/grpc-js"
import { Option, Result } from "effect"
import type { ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2"
import { constants } from "node:http2"
import { statusCode } from "../../../GrpcError.ts"
import { type Frame, FrameDecoder } from "../../Frames.ts"
import * as Retries from "../Retries.ts"
import * as CallStatus from "./CallStatus.ts"
import type { Http2Connection, Line } from "./Http2Connection.ts"

export interface ExchangeOptions {
  readonly connection: Http2Connection
  readonly headers: OutgoingHttpHeaders
  /** In its frame. */
  readonly request: Buffer
  readonly isPatient: boolean
  readonly bytesMax: number
}

export interface Listener {
  /** Synchronously, with names and values in turn; also of an answer that has nothing but trailers. */
  readonly headers: ((raw: ReadonlyArray<string>) => void) | undefined
  /** `false` for no more until `resume`. */
  readonly frame: (frame: Frame, encoding: string | undefined) => boolean
  /** Once. */
  readonly end: (end: CallStatus.CallStatus, trailers: ReadonlyArray<string>, peer: string) => void
}

/** Sessions that end at the very moment at which they are to be used. */
const attemptsMax = 5

const none: ReadonlyArray<string> = []

export class Http2Exchange {
  readonly #options: ExchangeOptions
  readonly #listener: Listener
  readonly #decoder: FrameDecoder
  #stopWaiting: (() => void) | undefined
  #stream: ClientHttp2Stream | undefined
  #peer = ""
  #attempts = 0
  #wasRefused = false
  #httpStatus: number | undefined
  #encoding: string | undefined
  #error: Error | undefined
  /** What the trailers said, while frames before them may still be on their way. */
  #status: CallStatus.CallStatus | undefined
  #trailers = none
  #isOver = false

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
    return this.#peer
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Ends the call here and at the peer; nobody is told. */
  cancel(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopWaiting?.()
    this.#stream?.close(constants.NGHTTP2_CANCEL)
  }

  /** After `frame` has answered `false`. */
  resume(): void {
    this.#stream?.resume()
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
    if (line.session.closed || line.session.destroyed) return this.#notOpened(line, "the session has ended")
    let stream: ClientHttp2Stream
    try {
      stream = line.session.request(this.#options.headers)
    } catch (cause) {
      return this.#notOpened(line, cause)
    }
    this.#stream = stream
    this.#error = undefined
    this.#peer = line.peer
    line.keepalive.began()
    stream.on("response", (headers, flags, raw) => this.#responded(headers, flags, raw))
    stream.on("trailers", (headers, _flags, raw) => this.#hasTrailers(headers, raw))
    stream.on("data", (bytes) => this.#take(bytes))
    stream.on("end", () => this.#settle())
    stream.on("error", (error) => {
      // The code of RST_STREAM says the same.
      if (Reflect.get(error, "code") !== "ERR_HTTP2_STREAM_ERROR") this.#error = error
    })
    stream.on("close", () => {
      line.keepalive.ended()
      this.#closed(stream, line)
    })
    stream.end(this.#options.request)
  }

  /** The session has ended, which nobody has heard of yet, or has no numbers left for streams. */
  #notOpened(line: Line, cause: unknown): void {
    this.#options.connection.giveUp(line)
    if (this.#attempts < attemptsMax) return this.#begin()
    this.#finish({ code: status.UNAVAILABLE, detail: cause instanceof Error ? cause.message : String(cause) }, none)
  }

  #responded(headers: IncomingHttpHeaders, flags: number, raw: ReadonlyArray<string>): void {
    if (this.#isOver) return
    this.#httpStatus = Number(headers[":status"])
    const encoding = headers["grpc-encoding"]
    this.#encoding = encoding === undefined ? undefined : String(encoding)
    if ((flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0) return this.#hasTrailers(headers, raw)
    this.#listener.headers?.(raw)
  }

  #hasTrailers(headers: IncomingHttpHeaders, raw: ReadonlyArray<string>): void {
    if (this.#isOver || this.#status !== undefined) return
    this.#status = CallStatus.fromTrailers(headers, this.#httpStatus ?? 0)
    this.#trailers = raw
    const isEnded = this.#stream?.readableEnded === true || this.#stream?.readableLength === 0
    // A failed call needs nothing that is still on its way.
    if (this.#status.code !== status.OK || (isEnded && this.#stream?.isPaused() !== true)) this.#settle()
  }

  #take(bytes: Buffer): void {
    if (this.#isOver) return
    this.#decoder.push(bytes)
    while (true) {
      const next = this.#decoder.next()
      if (Result.isFailure(next)) {
        const isWeb = this.#httpStatus !== undefined && this.#httpStatus !== 200
        const found = isWeb
          ? CallStatus.fromHttpStatus(this.#httpStatus ?? 0)
          : { code: statusCode(next.failure), detail: next.failure.detail }
        this.#finish(found, none)
        return this.#stream?.close(constants.NGHTTP2_CANCEL)
      }
      if (Option.isNone(next.success)) return
      if (!this.#listener.frame(next.success.value, this.#encoding)) this.#stream?.pause()
      if (this.#isOver) return
    }
  }

  #settle(): void {
    if (this.#status === undefined) return
    if (this.#status.code === status.OK && this.#decoder.isMidFrame) {
      return this.#finish({ code: status.INTERNAL, detail: "the answer ends within a message (unexpected end)" }, none)
    }
    this.#finish(this.#status, this.#trailers)
  }

  #closed(stream: ClientHttp2Stream, line: Line): void {
    if (this.#isOver || stream !== this.#stream) return
    // What the frames before the trailers held is lost.
    if (this.#status !== undefined) return this.#finish(CallStatus.dropped, none)
    // Newer versions of Node do not throw at the request.
    if (CallStatus.isUnsent(this.#error)) return this.#notOpened(line, this.#error)
    const isUnseen = CallStatus.isRefused(stream.rstCode) && this.#httpStatus === undefined
    if (isUnseen && !this.#wasRefused) {
      this.#wasRefused = true
      Retries.count()
      return this.#begin()
    }
    const isDropped = line.session.destroyed && !CallStatus.isRefused(stream.rstCode)
    this.#finish(
      isDropped ? CallStatus.dropped : CallStatus.fromReset(stream.rstCode, this.#httpStatus, this.#error),
      none
    )
  }

  #finish(end: CallStatus.CallStatus, trailers: ReadonlyArray<string>): void {
    if (this.#isOver) return
    this.#isOver = true
    // Else a stream that is paused never ends.
    if (this.#stream?.isPaused() === true) this.#stream.resume()
    this.#listener.end(end, trailers, this.#peer)
  }
}
