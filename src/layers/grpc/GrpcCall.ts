/**
 * One call of each kind, over a channel.
 *
 * A deadline travels to the server, and ends the call here too: grpc-js keeps it on the machine's clock, and where a fiber
 * has another, as in a test, that one does.
 */
import type * as grpc from "@grpc/grpc-js"
import { Cause, Deferred, Duration, Effect, Exit, Option, Stream } from "effect"
import type { CallOptions } from "./GrpcCallOptions.ts"
import type { AnyChannel, GrpcChannel } from "./GrpcChannel.ts"
import type { GrpcError } from "./GrpcError.ts"
import { aroundEffect, aroundStream, type OutgoingCall } from "./GrpcInterceptor.ts"
import type { ClientMethodDefinition } from "./GrpcMethod.ts"
import { serialized, spanOptions, withDeadline, withTimeout } from "./internal/client/AnyCall.ts"
import { cancel } from "./internal/client/Cancel.ts"
import { errorOf, settle, unanswered } from "./internal/client/GrpcAnswer.ts"
import * as Http2Calls from "./internal/client/http2/Http2Calls.ts"
import * as ObjectStream from "./internal/client/ObjectStream.ts"
import { listen, prepare, type Prepared } from "./internal/client/PreparedCall.ts"

const ignore = () => {}

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
  request: OutgoingCall["request"],
  options: CallOptions | undefined,
  open: (prepared: Prepared) => C,
  around: (call: C, responses: Stream.Stream<Res, GrpcError>) => Stream.Stream<Res, GrpcError | E, R>
): Stream.Stream<Res, GrpcError | E, R> =>
  aroundStream(
    channel.interceptors,
    { method: path, target: channel.target, options: options ?? {}, request },
    (options) => receiveOnce(channel, path, options, open, around)
  )

const receiveOnce = <C extends grpc.ClientReadableStream<Res>, Res, E, R>(
  channel: GrpcChannel,
  path: string,
  options: CallOptions,
  open: (prepared: Prepared) => C,
  around: (call: C, responses: Stream.Stream<Res, GrpcError>) => Stream.Stream<Res, GrpcError | E, R>
): Stream.Stream<Res, GrpcError | E, R> =>
  Stream.unwrap(Effect.gen(function*() {
    const span = yield* Effect.makeSpanScoped(path.slice(1), spanOptions(channel, options.parent))
    const prepared = yield* prepare(channel, path, span, noDeadline, options)
    const call = yield* Effect.acquireRelease(
      Effect.sync(() => ObjectStream.withoutAhead(() => open(prepared))),
      (call) => Effect.sync(() => cancel(call))
    )
    listen(call, options)
    let end: Exit.Exit<never, GrpcError | Cause.Done> | undefined
    call.on("error", (error: grpc.ServiceError) => {
      end = Exit.fail(errorOf(path, channel, call, error))
    })
    call.on("status", () => {
      end ??= Exit.fail(Cause.Done())
    })
    const responses = ObjectStream.read<Res, GrpcError>(call, () => end, ["status"])
    return around(call, withDeadline(path, channel, prepared.timeout, responses))
  }))

const noDeadline = Duration.infinity

/** A call with one answer: spans it, prepares it, ends it at the deadline. */
const exchange = <A, E, R>(
  channel: GrpcChannel,
  path: string,
  deadlineDefault: Duration.Duration,
  request: OutgoingCall["request"],
  options: CallOptions | undefined,
  call: (prepared: Prepared, options: CallOptions) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | GrpcError, R> =>
  aroundEffect<A, E, R>(
    channel.interceptors,
    { method: path, target: channel.target, options: options ?? {}, request },
    (options) =>
      Effect.useSpan(path.slice(1), spanOptions(channel, options.parent), (span) =>
        Effect.flatMap(
          prepare(channel, path, span, deadlineDefault, options),
          (prepared) => withTimeout(path, channel, prepared.timeout)(call(prepared, options))
        ))
  )

export const unary = <Req, Res>(channel: GrpcChannel, method: ClientMethodDefinition<Req, Res>) =>
  channel.http2 === undefined ? unaryOverGrpcJs(channel, method) : Http2Calls.unary(channel, channel.http2, method)

/**
 * For who makes one call after the other and can do without fibers, spans and interceptors; undefined where the channel
 * has some, or calls another way. `done` hears of the end once, unless the call is cancelled by what is given back.
 */
export const direct = <Req, Res>(channel: AnyChannel, method: ClientMethodDefinition<Req, Res>) =>
  "calls" in channel || channel.http2 === undefined || channel.interceptors.length > 0
    ? undefined
    : Http2Calls.direct(channel, channel.http2, method)

const unaryOverGrpcJs =
  <Req, Res>(channel: GrpcChannel, method: ClientMethodDefinition<Req, Res>) =>
  (request: Req, options?: CallOptions): Effect.Effect<Res, GrpcError> => {
    const bytes = serialized(method, request)
    return exchange(
      channel,
      method.path,
      channel.deadline,
      Option.some(bytes),
      options,
      (prepared, options) =>
        Effect.callback<Res, GrpcError>((resume) => {
          // The answer comes before the status, and the trailers with the status.
          let answer: Exit.Exit<Res, GrpcError> | undefined
          const call = channel.client.makeUnaryRequest(
            method.path,
            bytes,
            method.responseDeserialize,
            request,
            prepared.metadata,
            prepared.options,
            (error, response) => {
              answer = settle(method.path, channel, call, prepared.timeout, error, response)
            }
          )
          listen(call, options)
          // An error is dear to make, and here there hardly ever is one.
          call.on("status", () => resume(answer ?? unanswered(method.path, channel)))
          return Effect.sync(() => cancel(call))
        })
    )
  }

export const clientStream = <Req, Res>(channel: GrpcChannel, method: ClientMethodDefinition<Req, Res>) =>
  channel.http2 === undefined
    ? clientStreamOverGrpcJs(channel, method)
    : Http2Calls.clientStream(channel, channel.http2, method)

const clientStreamOverGrpcJs =
  <Req, Res>(channel: GrpcChannel, method: ClientMethodDefinition<Req, Res>) =>
  <E, R>(requests: Stream.Stream<Req, E, R>, options?: CallOptions): Effect.Effect<Res, GrpcError | E, R> =>
    exchange(channel, method.path, noDeadline, Option.none(), options, (prepared, options) =>
      Effect.suspend(() => {
        let answer: Exit.Exit<Res, GrpcError> | undefined
        const reply = Deferred.makeUnsafe<Res, GrpcError>()
        const call = channel.client.makeClientStreamRequest<Req, Res>(
          method.path,
          method.requestSerialize,
          method.responseDeserialize,
          prepared.metadata,
          prepared.options,
          (error, response) => {
            answer = settle(method.path, channel, call, prepared.timeout, error, response)
          }
        )
        listen(call, options)
        call.on("error", ignore)
        call.on("status", () => Deferred.doneUnsafe(reply, answer ?? unanswered(method.path, channel)))
        // An answer before the end of the requests stops them: the server has decided.
        return Effect.raceFirst(Deferred.await(reply), Effect.andThen(send(call, requests), Effect.never)).pipe(
          Effect.onExit((exit) => Exit.isSuccess(exit) ? Effect.void : Effect.sync(() => cancel(call)))
        )
      }))

export const serverStream = <Req, Res>(channel: GrpcChannel, method: ClientMethodDefinition<Req, Res>) =>
  channel.http2 === undefined
    ? serverStreamOverGrpcJs(channel, method)
    : Http2Calls.serverStream(channel, channel.http2, method)

const serverStreamOverGrpcJs =
  <Req, Res>(channel: GrpcChannel, method: ClientMethodDefinition<Req, Res>) =>
  (request: Req, options?: CallOptions): Stream.Stream<Res, GrpcError> => {
    const bytes = serialized(method, request)
    return receive(
      channel,
      method.path,
      Option.some(bytes),
      options,
      (prepared) =>
        channel.client.makeServerStreamRequest(
          method.path,
          bytes,
          method.responseDeserialize,
          request,
          prepared.metadata,
          prepared.options
        ),
      (_call, responses) => responses
    )
  }

export const bidi =
  <Req, Res>(channel: GrpcChannel, method: ClientMethodDefinition<Req, Res>) =>
  <E, R>(requests: Stream.Stream<Req, E, R>, options?: CallOptions): Stream.Stream<Res, GrpcError | E, R> =>
    receive(channel, method.path, Option.none(), options, (prepared) =>
      channel.client.makeBidiStreamRequest<Req, Res>(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        prepared.metadata,
        prepared.options
      ), (call, responses) => Stream.interruptWhen(responses, Effect.andThen(send(call, requests), Effect.never)))
