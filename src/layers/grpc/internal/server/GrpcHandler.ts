/**
 * What a handler of each kind becomes: an effect that reads the requests of a call and writes its responses.
 */
import { type Array as Arr, Cause, type Context, Effect, Exit, Option, type Pull, type Scope, Stream } from "effect"
import type { IncomingCall } from "../../carrier/IncomingCall.ts"
import { type GrpcError, Internal, Unimplemented } from "../../GrpcError.ts"
import type { Kind, MethodDefinition, Request, Response, ServiceDefinition } from "../../GrpcMethod.ts"
import type { ServerCall } from "./ServerCall.ts"

/** Tells the response once, at once or later, and gives back how to stop before. What is thrown at once is a defect. */
export type Answer<Req, Res> = (request: Req, told: (response: Exit.Exit<Res, GrpcError>) => void) => () => void

/**
 * A unary handler for a method that is called a thousand times a second and waits for no more than a few events: where
 * nobody intercepts or traces its calls, they have no fiber.
 */
export interface Direct<Req, Res, R> {
  readonly begin: (context: Context.Context<R>) => Answer<Req, Res>
}

export const direct = <Req, Res, R>(begin: Direct<Req, Res, R>["begin"]): Direct<Req, Res, R> => ({ begin })

export interface HandlersByKind<Req, Res, R> {
  readonly unary: ((request: Req, call: ServerCall) => Effect.Effect<Res, GrpcError, R>) | Direct<Req, Res, R>
  readonly serverStream: (request: Req, call: ServerCall) => Stream.Stream<Res, GrpcError, R>
  readonly clientStream: (requests: Stream.Stream<Req>, call: ServerCall) => Effect.Effect<Res, GrpcError, R>
  readonly bidi: (requests: Stream.Stream<Req>, call: ServerCall) => Stream.Stream<Res, GrpcError, R>
}

export type Handler<M extends MethodDefinition, R = unknown> = HandlersByKind<Request<M>, Response<M>, R>[Kind<M>]

export type Handlers<S extends ServiceDefinition> = { readonly [K in keyof S]: Handler<S[K]> }

/** What the handlers of a service need. */
export type HandlersContext<H> = {
  readonly [K in keyof H]: H[K] extends { readonly begin: (context: Context.Context<infer R>) => unknown } ? R
    : H[K] extends (...args: never) => Effect.Effect<infer _A, infer _E, infer R> ? R
    : H[K] extends (...args: never) => Stream.Stream<infer _A, infer _E, infer R> ? R
    : never
}[keyof H]

/** What is left to provide when a call has its own scope. */
export type Needs<R> = Exclude<R, Scope.Scope>

/** Runs one call; answers the frame that goes out last, beside the status. */
export interface Serve<R> {
  (incoming: IncomingCall, call: ServerCall): Effect.Effect<Buffer | undefined, GrpcError, R>
  /** The same from the bytes of the request to those of the response, where the method needs no fiber. */
  readonly direct?: (context: Context.Context<R>) => Answer<Buffer, Buffer>
}

export type ServeDirectly = Answer<Buffer, Buffer>

/** The serializers of one method, with its message types known. */
export interface Codec<Req, Res> {
  readonly requestDeserialize: (bytes: Buffer) => Req
  readonly responseSerialize: (message: Res) => Buffer
}

/** An exit is an effect too. */
const decode = <Req>(codec: Codec<Req, never>, bytes: Buffer): Exit.Exit<Req, GrpcError> => {
  try {
    return Exit.succeed(codec.requestDeserialize(bytes))
  } catch {
    return Exit.fail(new Internal({ detail: "the request cannot be read as the method's message" }))
  }
}

const serialize = <Res>(codec: Codec<unknown, Res>, message: Res): Exit.Exit<Buffer, GrpcError> => {
  try {
    return Exit.succeed(codec.responseSerialize(message))
  } catch {
    return Exit.fail(new Internal({ detail: "the response cannot be written as the method's message" }))
  }
}

const encode = <Res>(
  codec: Codec<unknown, Res>,
  incoming: IncomingCall,
  message: Res
): Effect.Effect<Buffer, GrpcError> =>
  Effect.flatMap(Effect.suspend(() => serialize(codec, message)), (bytes) => incoming.frame(bytes))

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

/** What a method without a stream of requests takes. */
export const onlyOne = (path: string, messages: ReadonlyArray<Buffer>): Exit.Exit<Buffer, GrpcError> => {
  const [message] = messages
  if (message !== undefined && messages.length === 1) return Exit.succeed(message)
  const count = message === undefined ? "none" : "several"
  return Exit.fail(new Unimplemented({ detail: `a call of ${path} takes one request, not ${count}` }))
}

/** The only request of a method without a stream of them. */
const single = <Req>(codec: Codec<Req, never>, incoming: IncomingCall): Effect.Effect<Req, GrpcError> =>
  Effect.suspend(() => {
    incoming.expectSoon()
    return Effect.flatMap(
      incoming.few ?? readFew(incoming),
      (messages) => Effect.flatMap(onlyOne(incoming.head.path, messages), (message) => decode(codec, message))
    )
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

export const unary = <Req, Res, R>(codec: Codec<Req, Res>, handler: HandlersByKind<Req, Res, R>["unary"]): Serve<R> => {
  const handle = typeof handler === "function" ? handler : fiberOf(handler)
  const serve: Serve<R> = (incoming, call) =>
    single(codec, incoming).pipe(
      Effect.flatMap((request) => handle(request, call)),
      Effect.flatMap((response) => encode(codec, incoming, response))
    )
  return typeof handler === "function"
    ? serve
    : Object.assign(serve, { direct: (context: Context.Context<R>) => directly(codec, handler.begin(context)) })
}

/** A direct handler where there has to be a fiber all the same. */
const fiberOf = <Req, Res, R>({ begin }: Direct<Req, Res, R>) => (request: Req) =>
  Effect.contextWith((context: Context.Context<R>) =>
    Effect.callback<Res, GrpcError>((resume) => {
      const stop = begin(context)(request, resume)
      return Effect.sync(stop)
    })
  )

const nothing = () => {}

const directly =
  <Req, Res>(codec: Codec<Req, Res>, answer: Answer<Req, Res>): Answer<Buffer, Buffer> => (bytes, told) => {
    const request = decode(codec, bytes)
    if (Exit.isSuccess(request)) {
      return answer(
        request.value,
        (response) => told(Exit.isSuccess(response) ? serialize(codec, response.value) : Exit.failCause(response.cause))
      )
    }
    told(Exit.failCause(request.cause))
    return nothing
  }

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
