/**
 * Runs one incoming call as a fiber.
 *
 * The fiber has its own scope and is interrupted when the client cancels or disconnects, when the deadline passes, and
 * when the server closes; its finalizers then run before the status is sent. A defect stays in the call: the caller
 * sees `Unknown: internal error`, as the Go servers answer a panic, and the log has the cause.
 */
import type * as grpc from "@grpc/grpc-js"
import { Cause, Duration, Effect, Exit, Option, Result, type Scope, Stream, type Tracer } from "effect"
import * as Headers from "effect/http/Headers"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import { DeadlineExceeded, type GrpcError, statusCode, Unavailable, Unknown } from "../GrpcError.ts"
import * as GrpcMetadata from "../GrpcMetadata.ts"
import type { Kind, MethodDefinition, Request, Response, ServiceDefinition } from "../GrpcMethod.ts"
import { machineClock } from "./MachineClock.ts"
import * as ObjectStream from "./ObjectStream.ts"
import * as ServerCall from "./ServerCall.ts"

export interface HandlersByKind<Req, Res, R> {
  readonly unary: (request: Req, call: ServerCall.ServerCall) => Effect.Effect<Res, GrpcError, R>
  readonly serverStream: (request: Req, call: ServerCall.ServerCall) => Stream.Stream<Res, GrpcError, R>
  readonly clientStream: (requests: Stream.Stream<Req>, call: ServerCall.ServerCall) => Effect.Effect<Res, GrpcError, R>
  readonly bidi: (requests: Stream.Stream<Req>, call: ServerCall.ServerCall) => Stream.Stream<Res, GrpcError, R>
}

export type Handler<M extends MethodDefinition, R = unknown> = HandlersByKind<Request<M>, Response<M>, R>[Kind<M>]

export type Handlers<S extends ServiceDefinition> = { readonly [K in keyof S]: Handler<S[K]> }

/** What the handlers of a service need. */
export type HandlersContext<H> = {
  readonly [K in keyof H]: H[K] extends (...args: never) => Effect.Effect<infer _A, infer _E, infer R> ? R
    : H[K] extends (...args: never) => Stream.Stream<infer _A, infer _E, infer R> ? R
    : never
}[keyof H]

/** What is left to provide when a call has its own scope and span. */
export type Needs<R> = Exclude<Exclude<R, Scope.Scope>, Tracer.ParentSpan>

/** Starts a fiber that the server owns. */
export type Run<R> = (effect: Effect.Effect<void, never, R>) => { readonly interruptUnsafe: () => void }

const failureOf = (cause: Cause.Cause<GrpcError>, call: ServerCall.ServerCall): Effect.Effect<GrpcError> => {
  const failure = Cause.findErrorOption(cause)
  if (Option.isSome(failure)) return Effect.succeed(failure.value)
  if (Cause.hasInterruptsOnly(cause)) return Effect.succeed(new Unavailable({ detail: "the server is shutting down" }))
  return Effect.logError("gRPC handler died", cause).pipe(
    Effect.annotateLogs({ method: call.method, peer: call.peer }),
    Effect.as(new Unknown({ detail: "internal error" }))
  )
}

const toWireError = (error: GrpcError): Partial<grpc.StatusObject> => {
  const trailers = GrpcMetadata.toWire(error.trailers)
  return {
    code: statusCode(error),
    details: error.detail,
    ...(Result.isSuccess(trailers) ? { metadata: trailers.success } : {})
  }
}

/** On the machine's clock, like the deadline itself; grpc-js has a timer too, but it cannot end a blocked stream. */
const withinDeadline = <A, R>(effect: Effect.Effect<A, GrpcError, R>, call: ServerCall.ServerCall) =>
  Effect.flatMap(call.remaining, (remaining) =>
    Duration.isFinite(remaining)
      ? Effect.raceFirst(
        effect,
        Effect.andThen(
          machineClock.sleep(remaining),
          Effect.fail(new DeadlineExceeded({ detail: "the deadline passed" }))
        )
      )
      : effect)

const callerSpan = (call: ServerCall.ServerCall) => {
  const traceparent = GrpcMetadata.text(call.metadata, "traceparent")
  return traceparent === undefined ? Option.none() : HttpTraceContext.w3c(Headers.fromRecordUnsafe({ traceparent }))
}

/** Child of the caller's span when the caller sent one, else the root of a trace: never part of the server's start. */
const withServerSpan = <A, E, R>(effect: Effect.Effect<A, E, R>, call: ServerCall.ServerCall) => {
  const parent = callerSpan(call)
  return Effect.withSpan(effect, call.method.slice(1), {
    kind: "server",
    attributes: { "rpc.system": "grpc", "client.address": call.peer },
    captureStackTrace: false,
    ...(Option.isSome(parent) ? { parent: parent.value } : { root: true })
  })
}

/** Runs `body` as the call's fiber; `succeed` or `fail` is called once, unless the client is gone. */
const runCall = <A, R>(
  surface: ServerCall.SurfaceCall,
  run: Run<Needs<R>>,
  body: (call: ServerCall.ServerCall) => Effect.Effect<A, GrpcError, R>,
  succeed: (value: A, trailers: grpc.Metadata | undefined) => void,
  fail: (status: Partial<grpc.StatusObject>) => void
): void => {
  const context = ServerCall.make(surface)
  const answer = (exit: Exit.Exit<A, GrpcError>) =>
    Exit.isSuccess(exit)
      ? Effect.sync(() => succeed(exit.value, context.trailers))
      : Effect.map(failureOf(exit.cause, context.call), (error) => fail(toWireError(error)))
  const handled = Effect.suspend(() => body(context.call)).pipe(
    (effect) => withinDeadline(effect, context.call),
    Effect.scoped,
    (effect) => withServerSpan(effect, context.call)
  )
  const fiber = run(
    // The answer is given even when the server interrupts the call.
    Effect.uninterruptibleMask((restore) => Effect.flatMap(Effect.exit(restore(handled)), answer))
  )
  if (surface.cancelled) return fiber.interruptUnsafe()
  surface.on("cancelled", () => fiber.interruptUnsafe())
}

/**
 * A cancelling client built on Node half-closes and then resets, in two packets: for a moment the requests seem
 * complete. Within this time the reset interrupts the handler before it takes a part for the whole.
 */
const resetGrace = Duration.millis(5)

const requestsOf = <Req, Res>(call: grpc.ServerReadableStream<Req, Res>): Stream.Stream<Req> => {
  let end: Exit.Exit<never, Cause.Done> | undefined
  call.on("end", () => {
    end = Exit.fail(Cause.Done())
  })
  return Stream.concat(
    ObjectStream.read<Req, never>(call, () => end, ["end"]),
    Stream.fromEffectDrain(machineClock.sleep(resetGrace))
  )
}

export const unary =
  <Req, Res, R>(handler: HandlersByKind<Req, Res, R>["unary"], run: Run<Needs<R>>) =>
  (surface: grpc.ServerUnaryCall<Req, Res>, respond: grpc.sendUnaryData<Res>): void =>
    runCall(
      surface,
      run,
      (call) => handler(surface.request, call),
      (response, trailers) => respond(null, response, trailers),
      (status) => respond(status)
    )

export const clientStream =
  <Req, Res, R>(handler: HandlersByKind<Req, Res, R>["clientStream"], run: Run<Needs<R>>) =>
  (surface: grpc.ServerReadableStream<Req, Res>, respond: grpc.sendUnaryData<Res>): void => {
    const requests = requestsOf(surface)
    runCall(
      surface,
      run,
      (call) => handler(requests, call),
      (response, trailers) => respond(null, response, trailers),
      (status) => respond(status)
    )
  }

const sendAll = <Req, Res, R>(
  surface: grpc.ServerWritableStream<Req, Res> | grpc.ServerDuplexStream<Req, Res>,
  run: Run<Needs<R>>,
  responses: (call: ServerCall.ServerCall) => Stream.Stream<Res, GrpcError, R>
): void =>
  runCall(
    surface,
    run,
    (call) => Stream.runForEach(responses(call), (response) => ObjectStream.write(surface, response)),
    (_, trailers) => surface.end(trailers),
    // grpc-js ends a stream with a status other than OK by way of this event.
    (status) => surface.emit("error", status)
  )

export const serverStream =
  <Req, Res, R>(handler: HandlersByKind<Req, Res, R>["serverStream"], run: Run<Needs<R>>) =>
  (surface: grpc.ServerWritableStream<Req, Res>): void =>
    sendAll(surface, run, (call) => handler(surface.request, call))

export const bidi =
  <Req, Res, R>(handler: HandlersByKind<Req, Res, R>["bidi"], run: Run<Needs<R>>) =>
  (surface: grpc.ServerDuplexStream<Req, Res>): void => {
    const requests = requestsOf(surface)
    sendAll(surface, run, (call) => handler(requests, call))
  }
