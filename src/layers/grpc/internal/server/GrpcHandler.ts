/**
 * What a handler of each kind becomes: an effect that reads the requests of a call and writes its responses.
 */
import { type Array as Arr, Cause, Effect, Option, type Pull, type Scope, Stream } from "effect"
import type { IncomingCall } from "../../carrier/IncomingCall.ts"
import { type GrpcError, Internal, Unimplemented } from "../../GrpcError.ts"
import type { Kind, MethodDefinition, Request, Response, ServiceDefinition } from "../../GrpcMethod.ts"
import type { ServerCall } from "./ServerCall.ts"

export interface HandlersByKind<Req, Res, R> {
  readonly unary: (request: Req, call: ServerCall) => Effect.Effect<Res, GrpcError, R>
  readonly serverStream: (request: Req, call: ServerCall) => Stream.Stream<Res, GrpcError, R>
  readonly clientStream: (requests: Stream.Stream<Req>, call: ServerCall) => Effect.Effect<Res, GrpcError, R>
  readonly bidi: (requests: Stream.Stream<Req>, call: ServerCall) => Stream.Stream<Res, GrpcError, R>
}

export type Handler<M extends MethodDefinition, R = unknown> = HandlersByKind<Request<M>, Response<M>, R>[Kind<M>]

export type Handlers<S extends ServiceDefinition> = { readonly [K in keyof S]: Handler<S[K]> }

/** What the handlers of a service need. */
export type HandlersContext<H> = {
  readonly [K in keyof H]: H[K] extends (...args: never) => Effect.Effect<infer _A, infer _E, infer R> ? R
    : H[K] extends (...args: never) => Stream.Stream<infer _A, infer _E, infer R> ? R
    : never
}[keyof H]

/** What is left to provide when a call has its own scope. */
export type Needs<R> = Exclude<R, Scope.Scope>

/** Runs one call; answers the frame that goes out last, beside the status. */
export type Serve<R> = (incoming: IncomingCall, call: ServerCall) => Effect.Effect<Buffer | undefined, GrpcError, R>

/** The serializers of one method, with its message types known. */
export interface Codec<Req, Res> {
  readonly requestDeserialize: (bytes: Buffer) => Req
  readonly responseSerialize: (message: Res) => Buffer
}

const decode = <Req>(codec: Codec<Req, never>, bytes: Buffer): Effect.Effect<Req, GrpcError> =>
  Effect.try({
    try: () => codec.requestDeserialize(bytes),
    catch: () => new Internal({ detail: "the request cannot be read as the method's message" })
  })

const encode = <Res>(
  codec: Codec<unknown, Res>,
  incoming: IncomingCall,
  message: Res
): Effect.Effect<Buffer, GrpcError> =>
  Effect.flatMap(
    Effect.try({
      try: () => codec.responseSerialize(message),
      catch: () => new Internal({ detail: "the response cannot be written as the method's message" })
    }),
    (bytes) => incoming.frame(bytes)
  )

const readFew = (incoming: IncomingCall): Effect.Effect<ReadonlyArray<Buffer>, GrpcError> =>
  Effect.gen(function*() {
    const messages: Array<Buffer> = []
    while (messages.length < 2) {
      const batch = yield* incoming.read
      if (batch.length === 0) break
      messages.push(...batch)
    }
    return messages
  })

/** The only request of a method without a stream of them. */
const single = <Req>(codec: Codec<Req, never>, incoming: IncomingCall): Effect.Effect<Req, GrpcError> =>
  Effect.suspend(() => {
    incoming.expectSoon()
    return Effect.flatMap(incoming.few ?? readFew(incoming), (messages) => {
      const [message] = messages
      if (message !== undefined && messages.length === 1) return decode(codec, message)
      const count = message === undefined ? "none" : "several"
      return Effect.fail(
        new Unimplemented({ detail: `a call of ${incoming.head.path} takes one request, not ${count}` })
      )
    })
  })

const isFilled = <A>(batch: ReadonlyArray<A>): batch is Arr.NonEmptyReadonlyArray<A> => batch.length > 0

/**
 * The requests of a stream. What makes them unreadable is no failure of theirs, which handlers would have to handle:
 * `broken` ends the call beside the handler.
 */
const several = <Req>(codec: Codec<Req, never>, incoming: IncomingCall, broken: (error: GrpcError) => void) =>
  Stream.concat(
    Stream.fromPull(Effect.sync((): Pull.Pull<Arr.NonEmptyReadonlyArray<Req>> =>
      incoming.read.pipe(
        Effect.flatMap((batch) => Effect.forEach(batch, (bytes) => decode(codec, bytes))),
        Effect.catch((error) =>
          Effect.suspend(() => {
            broken(error)
            return Effect.never
          })
        ),
        Effect.flatMap((requests) => isFilled(requests) ? Effect.succeed(requests) : Cause.done())
      )
    )),
    Stream.fromEffectDrain(incoming.resetGrace)
  )

/** Runs `body` with the call's requests; ends with the error of a request that cannot be read. */
const withRequests = <Req, A, R>(
  codec: Codec<Req, never>,
  incoming: IncomingCall,
  body: (requests: Stream.Stream<Req>) => Effect.Effect<A, GrpcError, R>
): Effect.Effect<A, GrpcError, R> =>
  Effect.suspend(() => {
    let found = Option.none<GrpcError>()
    let wake = () => {}
    const broken = Effect.callback<never, GrpcError>((resume) => {
      wake = () => {
        if (Option.isSome(found)) resume(Effect.fail(found.value))
      }
      wake()
    })
    const requests = several(codec, incoming, (error) => {
      found = Option.some(error)
      wake()
    })
    return Effect.raceFirst(Effect.suspend(() => body(requests)), broken)
  })

/** Writes each response but keeps none back: a stream ends with its trailers alone. */
const writeAll = <Res, R>(
  codec: Codec<unknown, Res>,
  incoming: IncomingCall,
  responses: Stream.Stream<Res, GrpcError, R>
): Effect.Effect<undefined, GrpcError, R> =>
  Stream.runForEach(
    responses,
    (response) => Effect.flatMap(encode(codec, incoming, response), (frame) => incoming.write(frame))
  ).pipe(
    // The headers of a stream without responses.
    Effect.andThen(Effect.sync(() => incoming.sendHeaders({}))),
    Effect.as(undefined)
  )

export const unary =
  <Req, Res, R>(codec: Codec<Req, Res>, handler: HandlersByKind<Req, Res, R>["unary"]): Serve<R> => (incoming, call) =>
    single(codec, incoming).pipe(
      Effect.flatMap((request) => handler(request, call)),
      Effect.flatMap((response) => encode(codec, incoming, response))
    )

export const clientStream =
  <Req, Res, R>(codec: Codec<Req, Res>, handler: HandlersByKind<Req, Res, R>["clientStream"]): Serve<R> =>
  (incoming, call) =>
    Effect.flatMap(
      withRequests(codec, incoming, (requests) => handler(requests, call)),
      (response) => encode(codec, incoming, response)
    )

export const serverStream =
  <Req, Res, R>(codec: Codec<Req, Res>, handler: HandlersByKind<Req, Res, R>["serverStream"]): Serve<R> =>
  (incoming, call) =>
    Effect.flatMap(single(codec, incoming), (request) => writeAll(codec, incoming, handler(request, call)))

export const bidi =
  <Req, Res, R>(codec: Codec<Req, Res>, handler: HandlersByKind<Req, Res, R>["bidi"]): Serve<R> => (incoming, call) =>
    withRequests(codec, incoming, (requests) => writeAll(codec, incoming, handler(requests, call)))
