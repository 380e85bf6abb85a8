/**
 * One call of each kind, over a channel.
 *
 * A deadline is kept twice: it travels to the server, and the fiber's own clock ends the call here, so it also holds
 * under a test clock.
 */
import * as grpc from "@grpc/grpc-js"
import { Cause, Clock, Deferred, Duration, Effect, Exit, Result, Stream, type Tracer } from "effect"
import type { GrpcChannel } from "./GrpcChannel.ts"
import { DeadlineExceeded, fromStatus, type GrpcError, Internal } from "./GrpcError.ts"
import * as GrpcMetadata from "./GrpcMetadata.ts"
import * as ObjectStream from "./ObjectStream.ts"

export interface CallOptions {
  /** From now until the status; streams have none unless told. */
  readonly deadline?: Duration.Input
  readonly metadata?: GrpcMetadata.Input
  /** Wait for a connection (until the deadline) instead of failing while the peer is away. */
  readonly waitForReady?: boolean
  /** Called with the peer's response headers, synchronously. */
  readonly onHeaders?: (headers: GrpcMetadata.GrpcMetadata) => void
  /** Called with the peer's trailers, synchronously, before the call ends. */
  readonly onTrailers?: (trailers: GrpcMetadata.GrpcMetadata) => void
}

/** The part of a method definition that a client needs, with its message types known. */
export interface ClientMethodDefinition<Req, Res> {
  readonly path: string
  readonly requestSerialize: (message: Req) => Buffer
  readonly responseDeserialize: (bytes: Buffer) => Res
}

interface Prepared {
  readonly metadata: grpc.Metadata
  readonly options: grpc.CallOptions
  readonly timeout: Duration.Duration
}

/** grpc-js counts deadlines on the machine's clock, whatever clock the fiber has. */
const machineClock = Clock.Clock.defaultValue()

const traceparent = (span: Tracer.Span): string =>
  `00-${span.traceId.padStart(32, "0")}-${span.spanId}-${span.sampled ? "01" : "00"}`

const prepare = (
  channel: GrpcChannel,
  path: string,
  span: Tracer.Span,
  deadlineDefault: Duration.Duration,
  options: CallOptions | undefined
): Effect.Effect<Prepared, GrpcError> => {
  const timeout = options?.deadline === undefined ? deadlineDefault : Duration.fromInputUnsafe(options.deadline)
  const metadata = GrpcMetadata.toWire(
    { traceparent: traceparent(span), ...options?.metadata },
    { waitForReady: options?.waitForReady ?? false }
  )
  if (Result.isFailure(metadata)) {
    const detail = `metadata cannot be sent: ${metadata.failure}`
    return Effect.fail(new Internal({ method: path, peer: channel.target, detail }))
  }
  const isEndless = !Duration.isFinite(timeout)
  return Effect.succeed({
    metadata: metadata.success,
    timeout,
    options: isEndless ? {} : { deadline: machineClock.currentTimeMillisUnsafe() + Duration.toMillis(timeout) }
  })
}

type Call = Pick<grpc.ClientUnaryCall, "getPeer" | "cancel" | "on">

/** Without a connection grpc-js names the resolver's target instead of an address. */
const peerOf = (channel: GrpcChannel, call: Call): string => {
  const peer = call.getPeer()
  return peer === "unknown" || peer === channel.client.getChannel().getTarget() ? channel.target : peer
}

/** grpc-js appends this even when the resolver has nothing to note. */
const emptyNote = /\.? Resolution note: $/

const errorOf = (path: string, channel: GrpcChannel, call: Call, error: grpc.ServiceError): GrpcError =>
  fromStatus(error.code, {
    method: path,
    peer: peerOf(channel, call),
    detail: error.details.replace(emptyNote, ""),
    // Absent when grpc-js itself made the error.
    trailers: error.metadata instanceof grpc.Metadata ? GrpcMetadata.fromWire(error.metadata) : {}
  })

const listen = (call: Call, options: CallOptions | undefined): void => {
  const { onHeaders, onTrailers } = options ?? {}
  if (onHeaders !== undefined) call.on("metadata", (headers) => onHeaders(GrpcMetadata.fromWire(headers)))
  if (onTrailers !== undefined) call.on("status", (status) => onTrailers(GrpcMetadata.fromWire(status.metadata)))
}

const ignore = () => {}

const unanswered = (path: string, channel: GrpcChannel): Exit.Exit<never, GrpcError> =>
  Exit.fail(new Internal({ method: path, peer: channel.target, detail: "neither a response nor an error" }))

const settle = <Res>(
  path: string,
  channel: GrpcChannel,
  call: Call,
  error: grpc.ServiceError | null,
  response: Res | undefined
): Exit.Exit<Res, GrpcError> => {
  if (error !== null) return Exit.fail(errorOf(path, channel, call, error))
  if (response !== undefined) return Exit.succeed(response)
  return Exit.fail(
    new Internal({ method: path, peer: peerOf(channel, call), detail: "neither a response nor an error" })
  )
}

const deadlineExceeded = (path: string, channel: GrpcChannel, timeout: Duration.Duration) =>
  new DeadlineExceeded({ method: path, peer: channel.target, detail: `no answer within ${Duration.format(timeout)}` })

const inSpan = <A, E, R>(path: string, channel: GrpcChannel, call: (span: Tracer.Span) => Effect.Effect<A, E, R>) =>
  Effect.useSpan(path.slice(1), {
    kind: "client",
    attributes: { "rpc.system": "grpc", "server.address": channel.target }
  }, call)

const withTimeout =
  (path: string, channel: GrpcChannel, timeout: Duration.Duration) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | DeadlineExceeded, R> =>
    Duration.isFinite(timeout)
      ? Effect.timeoutOrElse(effect, {
        duration: timeout,
        orElse: () => Effect.fail(deadlineExceeded(path, channel, timeout))
      })
      : effect

/** Sends all requests and half-closes. */
const send = <Req, E, R>(call: grpc.ClientWritableStream<Req>, requests: Stream.Stream<Req, E, R>) =>
  Stream.runForEach(requests, (request) => ObjectStream.write(call, request)).pipe(
    Effect.andThen(Effect.sync(() => {
      call.end()
    }))
  )

/** The responses of a call as a stream that owns the call. */
const receive = <C extends grpc.ClientReadableStream<Res>, Res, E, R>(
  channel: GrpcChannel,
  path: string,
  options: CallOptions | undefined,
  open: (prepared: Prepared) => C,
  around: (call: C, responses: Stream.Stream<Res, GrpcError>) => Stream.Stream<Res, GrpcError | E, R>
): Stream.Stream<Res, GrpcError | E, R> =>
  Stream.unwrap(Effect.gen(function*() {
    const span = yield* Effect.makeSpanScoped(path.slice(1), {
      kind: "client",
      attributes: { "rpc.system": "grpc", "server.address": channel.target }
    })
    const prepared = yield* prepare(channel, path, span, noDeadline, options)
    const call = yield* Effect.acquireRelease(Effect.sync(() => open(prepared)), (call) =>
      Effect.sync(() => call.cancel()))
    listen(call, options)
    let end: Exit.Exit<never, GrpcError | Cause.Done> | undefined
    call.on("error", (error: grpc.ServiceError) => {
      end = Exit.fail(errorOf(path, channel, call, error))
    })
    call.on("status", () => {
      end ??= Exit.fail(Cause.Done())
    })
    const responses = ObjectStream.read<Res, GrpcError>(call, () =>
      end, ["status"])
    return around(call, withDeadline(path, channel, prepared.timeout, responses))
  }))

/** Ends the stream at the deadline, counted from its start; the consumer's own time counts. */
const withDeadline = <A, E, R>(
  path: string,
  channel: GrpcChannel,
  timeout: Duration.Duration,
  stream: Stream.Stream<A, E, R>
): Stream.Stream<A, E | DeadlineExceeded, R> =>
  Duration.isFinite(timeout)
    ? Stream.interruptWhen(
      stream,
      Effect.delay(Effect.fail(deadlineExceeded(path, channel, timeout)), timeout)
    )
    : stream

const noDeadline = Duration.infinity

/** A call with one answer: spans it, prepares it, ends it at the deadline. */
const exchange = <A, E, R>(
  channel: GrpcChannel,
  path: string,
  deadlineDefault: Duration.Duration,
  options: CallOptions | undefined,
  call: (prepared: Prepared) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | GrpcError, R> =>
  inSpan(path, channel, (span) =>
    Effect.flatMap(
      prepare(channel, path, span, deadlineDefault, options),
      (prepared) => withTimeout(path, channel, prepared.timeout)(call(prepared))
    ))

export const unary =
  <Req, Res>(channel: GrpcChannel, method: ClientMethodDefinition<Req, Res>) =>
  (request: Req, options?: CallOptions): Effect.Effect<Res, GrpcError> =>
    exchange(
      channel,
      method.path,
      channel.deadline,
      options,
      (prepared) =>
        Effect.callback<Res, GrpcError>((resume) => {
          // The answer comes before the status, and the trailers with the status.
          let answer: Exit.Exit<Res, GrpcError> = unanswered(method.path, channel)
          const call = channel.client.makeUnaryRequest(
            method.path,
            method.requestSerialize,
            method.responseDeserialize,
            request,
            prepared.metadata,
            prepared.options,
            (error, response) => {
              answer = settle(method.path, channel, call, error, response)
            }
          )
          listen(call, options)
          call.on("status", () => resume(answer))
          return Effect.sync(() => call.cancel())
        })
    )

export const clientStream =
  <Req, Res>(channel: GrpcChannel, method: ClientMethodDefinition<Req, Res>) =>
  <E, R>(requests: Stream.Stream<Req, E, R>, options?: CallOptions): Effect.Effect<Res, GrpcError | E, R> =>
    exchange(channel, method.path, noDeadline, options, (prepared) =>
      Effect.suspend(() => {
        let answer: Exit.Exit<Res, GrpcError> = unanswered(method.path, channel)
        const reply = Deferred.makeUnsafe<Res, GrpcError>()
        const call = channel.client.makeClientStreamRequest<Req, Res>(
          method.path,
          method.requestSerialize,
          method.responseDeserialize,
          prepared.metadata,
          prepared.options,
          (error, response) => {
            answer = settle(method.path, channel, call, error, response)
          }
        )
        listen(call, options)
        call.on("error", ignore)
        call.on("status", () => Deferred.doneUnsafe(reply, answer))
        // An answer before the end of the requests stops them: the server has decided.
        return Effect.raceFirst(Deferred.await(reply), Effect.andThen(send(call, requests), Effect.never)).pipe(
          Effect.onExit((exit) => Exit.isSuccess(exit) ? Effect.void : Effect.sync(() => call.cancel()))
        )
      }))

export const serverStream =
  <Req, Res>(channel: GrpcChannel, method: ClientMethodDefinition<Req, Res>) =>
  (request: Req, options?: CallOptions): Stream.Stream<Res, GrpcError> =>
    receive(channel, method.path, options, (prepared) =>
      channel.client.makeServerStreamRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        prepared.metadata,
        prepared.options
      ), (_call, responses) => responses)

export const bidi =
  <Req, Res>(channel: GrpcChannel, method: ClientMethodDefinition<Req, Res>) =>
  <E, R>(requests: Stream.Stream<Req, E, R>, options?: CallOptions): Stream.Stream<Res, GrpcError | E, R> =>
    receive(channel, method.path, options, (prepared) =>
      channel.client.makeBidiStreamRequest<Req, Res>(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        prepared.metadata,
        prepared.options
      ), (call, responses) => Stream.interruptWhen(responses, Effect.andThen(send(call, requests), Effect.never)))
