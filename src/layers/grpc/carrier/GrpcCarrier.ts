/**
 * What carries calls in place of this machine's network: a simulated one, for programs in a world of their own.
 *
 * Clients and servers are made as ever; whoever runs them may put a carrier into their context.
 */
import { Context, type Effect, type Scope, type Stream } from "effect"
import type { CallOptions } from "../GrpcCallOptions.ts"
import type { ChannelOptions } from "../GrpcChannelOptions.ts"
import type { ServerCredentials } from "../GrpcCredentials.ts"
import type { GrpcError } from "../GrpcError.ts"
import type { ClientMethodDefinition } from "../GrpcMethod.ts"
import type { Needs, Serve } from "../internal/server/GrpcHandler.ts"
import type { BindError, Endpoint } from "../internal/server/Listener.ts"
import type { Run } from "../internal/server/RunCall.ts"
import type { ServerCall } from "../internal/server/ServerCall.ts"
import type { ServerInterceptor } from "../internal/server/ServerInterceptor.ts"
import type { IncomingCall } from "./IncomingCall.ts"

/** A call of each kind, as `GrpcCall` has them for a channel. */
export interface CarriedCalls {
  readonly unary: <Req, Res>(
    method: ClientMethodDefinition<Req, Res>
  ) => (request: Req, options?: CallOptions) => Effect.Effect<Res, GrpcError>
  readonly serverStream: <Req, Res>(
    method: ClientMethodDefinition<Req, Res>
  ) => (request: Req, options?: CallOptions) => Stream.Stream<Res, GrpcError>
  readonly clientStream: <Req, Res>(
    method: ClientMethodDefinition<Req, Res>
  ) => <E, R>(requests: Stream.Stream<Req, E, R>, options?: CallOptions) => Effect.Effect<Res, GrpcError | E, R>
  readonly bidi: <Req, Res>(
    method: ClientMethodDefinition<Req, Res>
  ) => <E, R>(requests: Stream.Stream<Req, E, R>, options?: CallOptions) => Stream.Stream<Res, GrpcError | E, R>
}

export interface CarriedChannel {
  readonly target: string
  readonly calls: CarriedCalls
  /** Called when an established connection breaks, also while nothing is asked. */
  readonly onLoss: (listener: () => void) => void
  /** A new connection in place of the present one, whose calls go on; whether it came about. */
  readonly renew: Effect.Effect<boolean>
}

/** A server without its sockets. */
export interface Serving<R> {
  readonly endpoint: Endpoint
  readonly credentials: ServerCredentials | undefined
  readonly methods: ReadonlyMap<string, Serve<R>>
  readonly interceptors: ReadonlyArray<ServerInterceptor>
  /** Starts a fiber that the server owns. */
  readonly run: Run<Needs<R>>
  /** Interrupts those that run. */
  readonly clear: Effect.Effect<void>
}

export interface Carrier {
  readonly open: (options: ChannelOptions) => Effect.Effect<CarriedChannel, never, Scope.Scope>
  /** Until the scope closes; answers the port. */
  readonly listen: <R>(serving: Serving<R>) => Effect.Effect<number, BindError, Scope.Scope>
}

export const GrpcCarrier: Context.Reference<Carrier | undefined> = Context.Reference<Carrier | undefined>(
  "serviceradar/layers/grpc/GrpcCarrier",
  { defaultValue: () => undefined }
)

export type { IncomingCall, ServerCall, ServerInterceptor }
