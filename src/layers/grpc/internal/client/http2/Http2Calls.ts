/** Calls with one request or one answer over HTTP/2: as those over grpc-js, for a part of their processor time and memory. */
import { status } from "@grpc/grpc-js"
import { Cause, Context, Deferred, Duration, Effect, Exit, Option, Result, Stream, Tracer } from "effect"
import * as diagnosticsChannel from "node:diagnostics_channel"
import { setImmediate } from "node:timers"
import { later } from "../../../../sockets/Timer.ts"
import * as Compression from "../../../Compression.ts"
import type { CallOptions } from "../../../GrpcCallOptions.ts"
import type { GrpcChannel } from "../../../GrpcChannel.ts"
import { fromStatus, type GrpcError, Internal, ResourceExhausted, Unavailable } from "../../../GrpcError.ts"
import { aroundEffect, aroundStream } from "../../../GrpcInterceptor.ts"
import type { ClientMethodDefinition } from "../../../GrpcMethod.ts"
import * as Frames from "../../Frames.ts"
import { serialized, spanOptions, withDeadline, withTimeout } from "../AnyCall.ts"
import { deadlineExceeded } from "../GrpcAnswer.ts"
import * as ObjectStream from "../ObjectStream.ts"
import * as TraceParent from "../TraceParent.ts"
import type { CallStatus } from "./CallStatus.ts"
import { type ExchangeOptions, Http2Exchange } from "./Http2Exchange.ts"
import type { Http2Transport } from "./Http2Transport.ts"
import { Messages } from "./Messages.ts"
import * as OutgoingCall from "./OutgoingCall.ts"

interface Arrived {
  readonly frame: Frames.Frame
  readonly encoding: string | undefined
}

/** A shorter request is copied, and goes out together with its headers. */
const partsMin = 65_536

const framed = (request: Buffer): ReadonlyArray<Buffer> =>
  request.length < partsMin ? [Frames.encode(request, false)] : [Frames.headOf(request.length), request]

type Prepared = ExchangeOptions & { readonly timeout: Duration.Duration }

const messageOf = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)

class Caller<Req, Res> {
  readonly channel: GrpcChannel
  readonly method: ClientMethodDefinition<Req, Res>
  readonly #transport: Http2Transport

  constructor(channel: GrpcChannel, transport: Http2Transport, method: ClientMethodDefinition<Req, Res>) {
    this.channel = channel
    this.method = method
    this.#transport = transport
  }

  /** Without bytes of a request: those come later. */
  prepare(
    bytes: (() => Buffer) | undefined,
    traceparent: string,
    deadlineDefault: Duration.Duration,
    options: CallOptions
  ): Result.Result<Prepared, GrpcError> {
    const { authority, connection, maxReceiveBytes, scheme } = this.#transport
    const { path } = this.method
    const about = { method: path, peer: this.channel.target }
    if (this.channel.isClosed()) {
      return Result.fail(new Unavailable({ ...about, detail: "the channel is closed" }))
    }
    const timeout = options.deadline === undefined ? deadlineDefault : Duration.fromInputUnsafe(options.deadline)
    const { metadata, room } = options
    const headers = OutgoingCall.head({
      scheme,
      authority,
      path,
      traceparent,
      timeout,
      metadata
    })
    if (Result.isFailure(headers)) {
      return Result.fail(new Internal({ ...about, detail: `metadata cannot be sent: ${headers.failure}` }))
    }
    const request = bytes === undefined ? undefined : this.serialize(bytes)
    if (request !== undefined && Result.isFailure(request)) return Result.fail(request.failure)
    return Result.succeed({
      connection,
      timeout,
      headers: headers.success,
      request: request === undefined ? undefined : framed(request.success),
      isPatient: options.waitForReady ?? false,
      bytesMax: maxReceiveBytes,
      room
    })
  }

  serialize(bytes: () => Buffer): Result.Result<Buffer, GrpcError> {
    const { maxSendBytes } = this.#transport
    const about = { method: this.method.path, peer: this.channel.target }
    let request: Buffer
    try {
      request = bytes()
    } catch (cause) {
      return Result.fail(
        new Internal({ ...about, detail: `Request message serialization failure: ${messageOf(cause)}` })
      )
    }
    if (request.length <= maxSendBytes) return Result.succeed(request)
    const detail = `Attempted to send message with a size larger than ${maxSendBytes}`
    return Result.fail(new ResourceExhausted({ ...about, detail }))
  }

  decode(frame: Frames.Frame, encoding: string | undefined, peer: string): Effect.Effect<Res, GrpcError> {
    if (!frame.isCompressed) return this.#read(frame.bytes, peer)
    return Compression.decompress(encoding, frame.bytes, this.#transport.maxReceiveBytes).pipe(
      Effect.mapError(({ _tag, detail }) =>
        // To a server an encoding that it does not know is a request too much, here it is a broken answer.
        fromStatus(_tag === "ResourceExhausted" ? status.RESOURCE_EXHAUSTED : status.INTERNAL, {
          method: this.method.path,
          peer: this.#peerOf(peer),
          detail
        })
      ),
      Effect.flatMap((bytes) => this.#read(bytes, peer))
    )
  }

  failure(end: CallStatus, trailers: ReadonlyArray<string>, peer: string): GrpcError {
    return fromStatus(end.code, {
      method: this.method.path,
      peer: this.#peerOf(peer),
      detail: end.detail,
      trailers: OutgoingCall.metadataOf(trailers)
    })
  }

  internal(detail: string, peer: string): Exit.Exit<never, GrpcError> {
    return Exit.fail(new Internal({ method: this.method.path, peer: this.#peerOf(peer), detail }))
  }

  #read(bytes: Buffer, peer: string): Exit.Exit<Res, GrpcError> {
    try {
      return Exit.succeed(this.method.responseDeserialize(bytes))
    } catch (cause) {
      return this.internal(`Response message parsing error: ${messageOf(cause)}`, peer)
    }
  }

  #peerOf(peer: string): string {
    return peer === "" ? this.channel.target : peer
  }
}

const headersTo = ({ onHeaders }: CallOptions) =>
  onHeaders === undefined ? undefined : (raw: ReadonlyArray<string>) => onHeaders(OutgoingCall.metadataOf(raw))

/** For who measures how long calls take, from when they are begun until their end is known here. */
const calls = diagnosticsChannel.channel("serviceradar.grpc.client.call")

interface Started {
  readonly exchange: Http2Exchange
  readonly cancel: () => void
}

/** Begins the call; `done` hears of its end once, unless it is cancelled by what is given back. */
const start = <Req, Res>(
  caller: Caller<Req, Res>,
  prepared: Prepared,
  options: CallOptions,
  done: (answer: Effect.Effect<Res, GrpcError>, isWhole: boolean) => void
): Started => {
  let answer: Frames.Frame | undefined
  let encoding: string | undefined
  let isOneTooMany = false
  const beganMillis = calls.hasSubscribers ? performance.now() : undefined
  const outcome = (end: CallStatus, trailers: ReadonlyArray<string>, peer: string) => {
    if (end.code !== status.OK) return Exit.fail(caller.failure(end, trailers, peer))
    if (answer === undefined) return caller.internal("neither a response nor an error", peer)
    if (isOneTooMany) return caller.internal("Too many responses received", peer)
    return caller.decode(answer, encoding, peer)
  }
  const exchange: Http2Exchange = new Http2Exchange(prepared, {
    headers: headersTo(options),
    frame: (frame, given) => {
      isOneTooMany = answer !== undefined
      answer = frame
      encoding = given
      return true
    },
    end: (end, trailers, peer) => {
      cancelDeadline()
      if (beganMillis !== undefined) {
        calls.publish({ path: caller.method.path, target: caller.channel.target, beganMillis })
      }
      options.onTrailers?.(OutgoingCall.metadataOf(trailers))
      done(outcome(end, trailers, peer), exchange.isWhole)
    }
  })
  const cancelDeadline = later(Duration.toMillis(prepared.timeout), () => {
    // An answer that has come while this process was busy is read before then.
    setImmediate(() => {
      if (exchange.isOver) return
      exchange.cancel()
      done(Effect.fail(deadlineExceeded(caller.method.path, caller.channel, prepared.timeout)), false)
    })
  })
  exchange.begin()
  const cancel = () => {
    cancelDeadline()
    exchange.cancel()
  }
  return { exchange, cancel }
}

/** A call of no fiber: without span, interceptors and the clock of a test. */
export const direct = <Req, Res>(
  channel: GrpcChannel,
  transport: Http2Transport,
  method: ClientMethodDefinition<Req, Res>
) => {
  const caller = new Caller(channel, transport, method)
  return (
    request: Req,
    options: CallOptions,
    done: (answer: Effect.Effect<Res, GrpcError>) => void
  ): () => void => {
    const traceparent = TraceParent.below(options.parent)
    const prepared = caller.prepare(() => method.requestSerialize(request), traceparent, channel.deadline, options)
    if (Result.isSuccess(prepared)) return start(caller, prepared.success, options, done).cancel
    done(Effect.fail(prepared.failure))
    return () => {}
  }
}

export const unary = <Req, Res>(
  channel: GrpcChannel,
  transport: Http2Transport,
  method: ClientMethodDefinition<Req, Res>
) => {
  const caller = new Caller(channel, transport, method)
  const ask = (prepared: Prepared, request: Req, options: CallOptions): Effect.Effect<Res, GrpcError> =>
    Effect.callback((resume) => {
      const { cancel } = start(caller, prepared, options, (answer, isWhole) => {
        if (isWhole) method.requestSent?.(request)
        resume(answer)
      })
      return Effect.sync(cancel)
    })
  const name = method.path.slice(1)
  return (request: Req, options: CallOptions = {}): Effect.Effect<Res, GrpcError> => {
    const bytes = serialized(method, request)
    return aroundEffect<Res, never, never>(
      channel.interceptors,
      { method: method.path, target: channel.target, options, request: Option.some(bytes) },
      (options) =>
        Effect.contextWith((context: Context.Context<never>) => {
          const begin = (traceparent: string) => {
            const prepared = caller.prepare(bytes, traceparent, channel.deadline, options)
            if (Result.isFailure(prepared)) return Effect.fail(prepared.failure)
            return withTimeout(method.path, channel, prepared.success.timeout)(
              ask(prepared.success, request, options)
            )
          }
          // Of a span that nobody is told of only the peer needs something: its place in the trace.
          return Context.get(context, Tracer.Tracer) === Tracer.nativeTracer
            ? begin(
              TraceParent.below(options.parent ?? Option.getOrUndefined(Context.getOption(context, Tracer.ParentSpan)))
            )
            : Effect.useSpan(name, spanOptions(channel, options.parent), (span) => begin(TraceParent.of(span)))
        })
    )
  }
}

export const serverStream = <Req, Res>(
  channel: GrpcChannel,
  transport: Http2Transport,
  method: ClientMethodDefinition<Req, Res>
) => {
  const caller = new Caller(channel, transport, method)
  const receive = (bytes: () => Buffer, options: CallOptions) =>
    Stream.unwrap(Effect.gen(function*() {
      const span = yield* Effect.makeSpanScoped(method.path.slice(1), spanOptions(channel, options.parent))
      const prepared = yield* Effect.fromResult(caller.prepare(bytes, TraceParent.of(span), Duration.infinity, options))
      let ended: Exit.Exit<never, GrpcError | Cause.Done> | undefined
      const messages = new Messages<Arrived>(() => exchange.resume())
      const exchange: Http2Exchange = new Http2Exchange(prepared, {
        headers: headersTo(options),
        frame: (frame, encoding) => messages.push({ frame, encoding }, frame.bytes.length),
        end: (end, trailers, peer) => {
          options.onTrailers?.(OutgoingCall.metadataOf(trailers))
          ended = Exit.fail(end.code === status.OK ? Cause.Done() : caller.failure(end, trailers, peer))
          messages.wake()
        }
      })
      yield* Effect.acquireRelease(
        Effect.sync(() => exchange.begin()),
        () => Effect.sync(() => exchange.cancel())
      )
      const responses = ObjectStream.read<Arrived, GrpcError>(
        messages,
        () => ended,
        []
      ).pipe(Stream.mapEffect(({ encoding, frame }) => caller.decode(frame, encoding, exchange.peer)))
      return withDeadline(method.path, channel, prepared.timeout, responses)
    }))
  return (request: Req, options: CallOptions = {}): Stream.Stream<Res, GrpcError> => {
    const bytes = serialized(method, request)
    return aroundStream<Res, never, never>(
      channel.interceptors,
      { method: method.path, target: channel.target, options, request: Option.some(bytes) },
      (options) => receive(bytes, options)
    )
  }
}

/** Hands over the next request, or the end of them, and waits until the system has it. */
const give = (exchange: Http2Exchange, parts: ReadonlyArray<Buffer>, isEnd: boolean): Effect.Effect<void> =>
  Effect.callback((resume) => exchange.send(parts, isEnd, () => resume(Effect.void)))

/** Requests go out as they are, without a copy, and one is asked for once the system has the one before it. */
export const clientStream = <Req, Res>(
  channel: GrpcChannel,
  transport: Http2Transport,
  method: ClientMethodDefinition<Req, Res>
) => {
  const caller = new Caller(channel, transport, method)
  const send = (exchange: Http2Exchange, request: Req) =>
    Effect.suspend(() => {
      const bytes = caller.serialize(() => method.requestSerialize(request))
      if (Result.isFailure(bytes)) return Effect.fail(bytes.failure)
      return Effect.map(
        give(exchange, [Frames.headOf(bytes.success.length), bytes.success], false),
        () => method.requestSent?.(request)
      )
    })
  const exchanged = <E, R>(prepared: Prepared, requests: Stream.Stream<Req, E, R>, options: CallOptions) =>
    Effect.suspend(() => {
      const reply = Deferred.makeUnsafe<Res, GrpcError>()
      const { cancel, exchange } = start(caller, prepared, options, (answer) => Deferred.doneUnsafe(reply, answer))
      const sending = Stream.runForEach(requests, (request) => send(exchange, request)).pipe(
        Effect.andThen(give(exchange, [], true)),
        Effect.andThen(Effect.never)
      )
      // An answer before the end of the requests stops them: the server has decided.
      return Effect.raceFirst(Deferred.await(reply), sending).pipe(Effect.ensuring(Effect.sync(cancel)))
    })
  return <E, R>(requests: Stream.Stream<Req, E, R>, options: CallOptions = {}): Effect.Effect<Res, GrpcError | E, R> =>
    aroundEffect<Res, E, R>(
      channel.interceptors,
      { method: method.path, target: channel.target, options, request: Option.none() },
      (options) =>
        Effect.useSpan(method.path.slice(1), spanOptions(channel, options.parent), (span) => {
          const prepared = caller.prepare(undefined, TraceParent.of(span), Duration.infinity, options)
          if (Result.isFailure(prepared)) return Effect.fail(prepared.failure)
          return withTimeout(method.path, channel, prepared.success.timeout)(
            exchanged(prepared.success, requests, options)
          )
        })
    )
}
