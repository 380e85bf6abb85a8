/**
 * A typed client from a generated service definition.
 *
 * Unary methods are Effects, streams are Streams; every call fails with a `GrpcError` that names method and peer.
 * Interrupting a call, or leaving a stream early, cancels it at the server.
 */
import { Effect, type Scope, type Stream } from "effect"
import type { CarriedCalls } from "./carrier/GrpcCarrier.ts"
import * as GrpcCall from "./GrpcCall.ts"
import type { CallOptions } from "./GrpcCallOptions.ts"
import * as GrpcChannel from "./GrpcChannel.ts"
import type { GrpcError } from "./GrpcError.ts"
import {
  type Kind,
  kindOf,
  type MethodDefinition,
  type Request,
  type Response,
  type ServiceDefinition
} from "./GrpcMethod.ts"

interface MethodsByKind<Req, Res> {
  readonly unary: (request: Req, options?: CallOptions) => Effect.Effect<Res, GrpcError>
  readonly serverStream: (request: Req, options?: CallOptions) => Stream.Stream<Res, GrpcError>
  readonly clientStream: <E, R>(
    requests: Stream.Stream<Req, E, R>,
    options?: CallOptions
  ) => Effect.Effect<Res, GrpcError | E, R>
  readonly bidi: <E, R>(
    requests: Stream.Stream<Req, E, R>,
    options?: CallOptions
  ) => Stream.Stream<Res, GrpcError | E, R>
}

export type ClientMethod<M extends MethodDefinition> = MethodsByKind<Request<M>, Response<M>>[Kind<M>]

export type GrpcClient<S extends ServiceDefinition> = { readonly [K in keyof S]: ClientMethod<S[K]> }

const callsOf = (channel: GrpcChannel.AnyChannel): CarriedCalls =>
  "calls" in channel ? channel.calls : {
    unary: (method) => GrpcCall.unary(channel, method),
    serverStream: (method) => GrpcCall.serverStream(channel, method),
    clientStream: (method) => GrpcCall.clientStream(channel, method),
    bidi: (method) => GrpcCall.bidi(channel, method)
  }

/** A client on a channel that exists already: several services of one peer share its connection. */
export const fromChannel = <S extends ServiceDefinition>(
  definition: S,
  channel: GrpcChannel.AnyChannel
): GrpcClient<S> => {
  const calls = callsOf(channel)
  // boundary: each entry is built from the entry of the same name, which fixes its kind and message types.
  return Object.fromEntries(
    Object.entries(definition).map(([name, method]) => [name, calls[kindOf(method)](method)])
  ) as GrpcClient<S>
}

/** A client on a channel of its own, closed with the scope. Never fails: a peer that is away fails the calls. */
export const make = <S extends ServiceDefinition>(
  definition: S,
  options: GrpcChannel.ChannelOptions
): Effect.Effect<GrpcClient<S>, never, Scope.Scope> =>
  Effect.map(GrpcChannel.make(options), (channel) => fromChannel(definition, channel))
