/**
 * One call on its HTTP/2 stream: reads messages as the handler asks for them, writes them as the client takes them, and
 * ends the stream with a status.
 *
 * Nothing is written to a stream that is gone; the connection tells the call's fiber by interrupting it.
 */
import { Duration, Effect, Exit, Option, Result } from "effect"
import * as http2 from "node:http2"
import { later } from "../../../sockets/Timer.ts"
import type { ByteBudget } from "../../ByteBudget.ts"
import type { IncomingCall } from "../../carrier/IncomingCall.ts"
import * as Compression from "../../Compression.ts"
import { DeadlineExceeded, type GrpcError, Internal, ResourceExhausted } from "../../GrpcError.ts"
import * as Frames from "../Frames.ts"
import { machineClock } from "../MachineClock.ts"
import * as WriteRoom from "../WriteRoom.ts"
import { Arriving } from "./Arriving.ts"
import type { Deadline, Deadlines } from "./Deadlines.ts"
import * as FloodWatch from "./FloodWatch.ts"
import type { RequestHead } from "./RequestHead.ts"

export interface CallLimits {
  readonly maxReceiveBytes: number
  readonly maxSendBytes: number
  /** Shared by all calls. */
  readonly arriving: ByteBudget
  readonly compression: Compression.Compression | undefined
  /** Until the only request of a call is here. */
  readonly requests: Deadlines
  /** Until a client reads what is there for it. */
  readonly readers: Deadlines
}

/** How long a client may go on sending after it was given its status. */
const statusGraceMillis = 1_000

/** For a client that does not read; to it this is `RESOURCE_EXHAUSTED`. */
const tooSlow = http2.constants.NGHTTP2_ENHANCE_YOUR_CALM

/** Written at once: a client that reads a large message slowly reads so much of it in time. */
const pieceBytes = 262_144

/** Messages handed over at once. */
const batchMax = 16

/**
 * A cancelling client built on Node half-closes and then resets, in two packets: for a moment the requests seem
 * complete. Within this time the reset interrupts the handler before it takes a part for the whole.
 */
const resetGrace = machineClock.sleep(Duration.millis(5))

const nothing = () => {}

/** Listened for by a call, and by nobody else. */
const ownEvents = ["readable", "end", "aborted", "wantTrailers", "drain", "data"] as const

export class Http2Call implements IncomingCall {
  readonly resetGrace = resetGrace
  readonly head: RequestHead
  readonly stream: http2.ServerHttp2Stream
  readonly #limits: CallLimits
  readonly #decoder: Frames.FrameDecoder
  readonly #arriving: Arriving
  readonly #compression: Compression.Compression | undefined
  #isEnded = false
  #isSlow = false
  /** Read, and not handed over yet. */
  #ahead: ReadonlyArray<Buffer> = []
  #wake = nothing
  #closed = nothing
  #requestLimit: Deadline | undefined
  #readerLimit: Deadline | undefined

  constructor(stream: http2.ServerHttp2Stream, head: RequestHead, limits: CallLimits) {
    this.stream = stream
    this.head = head
    this.#limits = limits
    this.#decoder = new Frames.FrameDecoder(limits.maxReceiveBytes)
    this.#arriving = new Arriving(stream, limits.arriving)
    const { compression } = limits
    this.#compression = compression !== undefined && Compression.isAcceptedBy(compression, head.acceptEncoding)
      ? compression
      : undefined
    stream.on("readable", () => this.#wake())
    stream.on("end", () => {
      this.#isEnded = true
      limits.requests.delete(this.#requestLimit)
      this.#wake()
    })
    stream.once("close", () => this.#close())
  }

  #close(): void {
    const { stream } = this
    this.#limits.requests.delete(this.#requestLimit)
    this.#limits.readers.delete(this.#readerLimit)
    this.#arriving.hold(0)
    this.#closed()
    // Node's handle of a stream outlives it until the next long collection, and what the stream knows with it.
    for (const event of ownEvents) stream.removeAllListeners(event)
  }

  /** Calls this when the stream has closed; whoever comes last counts. */
  onClosed(listener: () => void): void {
    this.#closed = listener
  }

  /** Whether neither side says that it compresses its messages. */
  get isPlain(): boolean {
    const { encoding } = this.head
    return this.#compression === undefined && (encoding === undefined || encoding === "identity")
  }

  /** The next messages, at least one; none when the client has sent all. */
  get read(): Effect.Effect<ReadonlyArray<Buffer>, GrpcError> {
    return Effect.suspend(() => {
      const ahead = this.#ahead
      this.#ahead = []
      return ahead.length > 0 ? Effect.succeed(ahead) : this.#next
    })
  }

  /** The next message, which stays to be read; none when the client has sent all. */
  get peek(): Effect.Effect<Option.Option<Buffer>, GrpcError> {
    return Effect.map(this.read, (messages) => {
      this.#ahead = messages
      return Option.fromUndefinedOr(messages[0])
    })
  }

  /** All messages of a call that should have one; two say that there are several. The fiber waits once. */
  get few(): Effect.Effect<ReadonlyArray<Buffer>, GrpcError> {
    return Effect.suspend(() => {
      const ahead = this.#ahead
      this.#ahead = []
      if (ahead.length > 1) return Effect.succeed(ahead)
      const more = Effect.flatMap(this.#fewFrames(2 - ahead.length), (frames) => this.#messages(frames))
      return ahead.length === 0 ? more : Effect.map(more, (messages) => [...ahead, ...messages])
    })
  }

  /** Until the client has sent all, or so many. */
  #fewFrames(enough: number): Effect.Effect<ReadonlyArray<Frames.Frame>, GrpcError> {
    return Effect.callback((resume) => {
      const stop = this.takeFew(enough, resume)
      return Effect.sync(stop)
    })
  }

  /** The same without a fiber: tells once, and gives back how to wait no longer. */
  takeFew(enough: number, told: (frames: Exit.Exit<ReadonlyArray<Frames.Frame>, GrpcError>) => void): () => void {
    let frames: ReadonlyArray<Frames.Frame> = []
    this.#wake = () => {
      for (;;) {
        const taken = this.#take()
        if (taken === undefined) return
        const isMore = Exit.isSuccess(taken) && taken.value.length > 0
        if (isMore) frames = frames.length === 0 ? taken.value : [...frames, ...taken.value]
        if (isMore && frames.length < enough) continue
        this.#wake = nothing
        return told(Exit.isSuccess(taken) ? Exit.succeed(frames) : taken)
      }
    }
    this.#wake()
    return () => {
      this.#wake = nothing
    }
  }

  get #next(): Effect.Effect<ReadonlyArray<Buffer>, GrpcError> {
    return Effect.flatMap(this.#frames, (frames) => this.#messages(frames))
  }

  #messages(frames: ReadonlyArray<Frames.Frame>): Effect.Effect<ReadonlyArray<Buffer>, GrpcError> {
    if (!frames.some(({ isCompressed }) => isCompressed)) return Effect.succeed(frames.map(({ bytes }) => bytes))
    return Effect.forEach(frames, ({ bytes, isCompressed }) =>
      isCompressed
        ? Compression.decompress(this.head.encoding, bytes, this.#limits.maxReceiveBytes)
        : Effect.succeed(bytes))
  }

  /** Fails the read under way, and those after it, when the client has not sent all by then. */
  expectSoon(): void {
    if (this.#isEnded || this.stream.closed) return
    this.#requestLimit ??= this.#limits.requests.add(() => {
      this.#isSlow = true
      this.#wake()
    })
  }

  get #frames(): Effect.Effect<ReadonlyArray<Frames.Frame>, GrpcError> {
    return Effect.callback((resume) => {
      this.#wake = () => {
        const taken = this.#take()
        if (taken === undefined) return
        this.#wake = nothing
        resume(taken)
      }
      this.#wake()
      return Effect.sync(() => {
        this.#wake = nothing
      })
    })
  }

  /** What is there now; `undefined` while nothing is. Whole messages come before the error after them. */
  #take(): Exit.Exit<ReadonlyArray<Frames.Frame>, GrpcError> | undefined {
    const frames: Array<Frames.Frame> = []
    while (frames.length < batchMax) {
      const next = this.#decoder.next()
      if (Result.isFailure(next)) return frames.length > 0 ? Exit.succeed(frames) : Exit.fail(next.failure)
      if (Option.isSome(next.success)) {
        frames.push(next.success.value)
        continue
      }
      const chunk: unknown = this.stream.read()
      if (!Buffer.isBuffer(chunk)) break
      FloodWatch.useful(this.stream.session, chunk.length)
      this.#decoder.push(chunk)
    }
    const refusal = this.#arriving.hold(this.#decoder.heldBytes)
    if (refusal !== undefined) {
      this.#decoder.clear()
      this.#arriving.hold(0)
      return Exit.fail(refusal)
    }
    if (frames.length > 0) return Exit.succeed(frames)
    if (this.#isSlow) return Exit.fail(new DeadlineExceeded({ detail: "the request did not arrive in time" }))
    if (!this.#isEnded) return undefined
    return this.#decoder.isMidFrame
      ? Exit.fail(new Internal({ detail: "the request ended inside a message" }))
      : Exit.succeed([])
  }

  get isGone(): boolean {
    return this.stream.destroyed || this.stream.closed || this.stream.writableEnded
  }

  /** Response headers, once. */
  sendHeaders(headers: http2.OutgoingHttpHeaders): void {
    if (this.isGone || this.stream.headersSent) return
    this.stream.respond({
      ...headers,
      ":status": 200,
      "content-type": "application/grpc+proto",
      "grpc-accept-encoding": Compression.acceptedEncodings,
      ...(this.#compression === undefined ? {} : { "grpc-encoding": this.#compression })
    }, { waitForTrailers: true })
  }

  /** The bytes of a message as they go onto the stream. */
  frame(message: Uint8Array): Effect.Effect<Buffer, GrpcError> {
    if (this.#compression === undefined) return this.plainFrame(message)
    const refusal = this.#refusal(message)
    return refusal === undefined
      ? Effect.map(Compression.compress(this.#compression, message), (bytes) => Frames.encode(bytes, true))
      : Effect.fail(refusal)
  }

  /** Those of one that is not compressed. */
  plainFrame(message: Uint8Array): Exit.Exit<Buffer, GrpcError> {
    const refusal = this.#refusal(message)
    return refusal === undefined ? Exit.succeed(Frames.encode(message, false)) : Exit.fail(refusal)
  }

  #refusal({ length }: Uint8Array): GrpcError | undefined {
    const { maxSendBytes } = this.#limits
    return length > maxSendBytes
      ? new ResourceExhausted({ detail: `a response of ${length} bytes, at most ${maxSendBytes} are sent` })
      : undefined
  }

  /** Writes one frame and waits until there is room for the next. */
  write(frame: Buffer): Effect.Effect<void> {
    return frame.length <= pieceBytes ? this.#writePiece(frame) : this.#writePieces(frame)
  }

  #writePieces(frame: Buffer): Effect.Effect<void> {
    let written = 0
    const rest: Effect.Effect<void> = Effect.suspend(() => {
      if (written >= frame.length) return Effect.void
      const piece = frame.subarray(written, written + pieceBytes)
      written += piece.length
      return Effect.andThen(this.#writePiece(piece), rest)
    })
    // A status never comes in the middle of a message.
    return Effect.onInterrupt(rest, () =>
      Effect.sync(() => {
        if (written < frame.length && !this.isGone) this.stream.write(frame.subarray(written))
      }))
  }

  #writePiece(frame: Buffer): Effect.Effect<void> {
    return WriteRoom.writing(this.stream, () => {
      this.sendHeaders({})
      if (this.isGone || this.stream.write(frame)) return true
      this.#expectReader()
      this.stream.once("drain", () => this.#limits.readers.delete(this.#readerLimit))
      return false
    })
  }

  /** From now on, once more. */
  #expectReader(): void {
    const { readers } = this.#limits
    readers.delete(this.#readerLimit)
    this.#readerLimit = readers.add(() => this.stream.close(tooSlow))
  }

  /** Ends the stream: `last` is a frame that goes before the trailers. Without messages the trailers stand alone. */
  end(trailers: http2.OutgoingHttpHeaders, last: Buffer | undefined): void {
    const { stream } = this
    if (this.isGone) return
    if (!this.#isEnded) {
      // What the client still sends is of no interest, and must not stay in the connection's window.
      const { session } = stream
      stream.on("data", (chunk: Buffer) => FloodWatch.useful(session, chunk.length))
      stream.resume()
    }
    this.#expectReader()
    if (last === undefined && !stream.headersSent) {
      stream.respond(
        { ...trailers, ":status": 200, "content-type": "application/grpc+proto" },
        { endStream: true }
      )
      return this.#stopReading()
    }
    this.sendHeaders({})
    stream.once("wantTrailers", () => {
      if (!stream.destroyed) stream.sendTrailers(trailers)
      this.#stopReading()
    })
    if (last === undefined) stream.end()
    else stream.end(last)
  }

  /** Resets the stream of a client that sends on and on. Not at once: the reset would overtake the status. */
  #stopReading(): void {
    if (this.#isEnded || this.stream.closed) return
    const cancel = later(statusGraceMillis, () => this.stream.close(http2.constants.NGHTTP2_NO_ERROR))
    this.stream.once("close", cancel)
  }
}
