/**
 * What a channel does around each of its calls: adds metadata, repeats, limits, measures.
 *
 * An interceptor gets the call's facts and options and a function that makes the call; it may change the options, make
 * the call several times, or not at all. Calls with one answer and calls with a stream of them differ in type only.
 */
import { Effect, type Option, Stream } from "effect"
import type { CallOptions } from "./GrpcCallOptions.ts"
import type { GrpcError } from "./GrpcError.ts"

/** The call as the interceptor finds it. */
export interface OutgoingCall {
  /** `/package.Service/Method`. */
  readonly method: string
  /** The channel's target. */
  readonly target: string
  readonly options: CallOptions
  /** The bytes of the only request, made once; none where requests are a stream. Throws what the serializer throws. */
  readonly request: Option.Option<() => Uint8Array>
}

export interface ClientInterceptor {
  /** Around a call with one answer. Passed through unless given. */
  readonly effect?: <A, E, R>(
    call: OutgoingCall,
    next: (options: CallOptions) => Effect.Effect<A, E | GrpcError, R>
  ) => Effect.Effect<A, E | GrpcError, R>
  /** Around a call with a stream of answers. Passed through unless given. */
  readonly stream?: <A, E, R>(
    call: OutgoingCall,
    next: (options: CallOptions) => Stream.Stream<A, E | GrpcError, R>
  ) => Stream.Stream<A, E | GrpcError, R>
}

/** Adds metadata to every call, asked anew for each: a token that is renewed, for example. */
export const metadata = (
  of: (call: OutgoingCall) => NonNullable<CallOptions["metadata"]>
): ClientInterceptor => {
  const added = (call: OutgoingCall): CallOptions => ({
    ...call.options,
    metadata: { ...of(call), ...call.options.metadata }
  })
  return {
    effect: (call, next) => next(added(call)),
    stream: (call, next) => next(added(call))
  }
}

type Next<B> = (options: CallOptions) => B

/** The first interceptor is the outermost. Each is asked anew whenever its part of the call is made again. */
const nest = <B>(
  interceptors: ReadonlyArray<(call: OutgoingCall, next: Next<B>) => B>,
  suspend: (make: () => B) => B,
  call: OutgoingCall,
  innermost: Next<B>
): B =>
  interceptors.reduceRight<Next<B>>(
    (next, interceptor) => (options) => suspend(() => interceptor({ ...call, options }, next)),
    innermost
  )(call.options)

export const aroundEffect = <A, E, R>(
  interceptors: ReadonlyArray<ClientInterceptor>,
  call: OutgoingCall,
  innermost: Next<Effect.Effect<A, E | GrpcError, R>>
): Effect.Effect<A, E | GrpcError, R> =>
  interceptors.length === 0 ? innermost(call.options) : nest(
    interceptors.flatMap(({ effect }) =>
      effect === undefined ? [] : [(one: OutgoingCall, next: typeof innermost) => effect<A, E, R>(one, next)]
    ),
    Effect.suspend,
    call,
    innermost
  )

export const aroundStream = <A, E, R>(
  interceptors: ReadonlyArray<ClientInterceptor>,
  call: OutgoingCall,
  innermost: Next<Stream.Stream<A, E | GrpcError, R>>
): Stream.Stream<A, E | GrpcError, R> =>
  interceptors.length === 0 ? innermost(call.options) : nest(
    interceptors.flatMap(({ stream }) =>
      stream === undefined ? [] : [(one: OutgoingCall, next: typeof innermost) => stream<A, E, R>(one, next)]
    ),
    Stream.suspend,
    call,
    innermost
  )
