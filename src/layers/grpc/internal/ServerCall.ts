/**
 * One incoming call, as its handler sees it.
 */
import type * as grpc from "@grpc/grpc-js"
import { Duration, Effect, Option, Result } from "effect"
import * as GrpcMetadata from "../GrpcMetadata.ts"
import { machineClock } from "./MachineClock.ts"

/** What a handler is told about its call, and what it may say besides the response. */
export interface ServerCall {
  /** `/package.Service/Method`. */
  readonly method: string
  readonly metadata: GrpcMetadata.GrpcMetadata
  /** `address:port` of the client. */
  readonly peer: string
  /** Unix milliseconds on this machine's clock; none when the client set no deadline. */
  readonly deadline: Option.Option<number>
  /** Time left until the deadline; infinite without one, zero after it. */
  readonly remaining: Effect.Effect<Duration.Duration>
  /** Certificate that the client presented and TLS verified. */
  readonly peerCertificate: Option.Option<PeerCertificate>
  /** Sends response headers now; only the first call has an effect. Names or values gRPC refuses are a defect. */
  readonly sendHeaders: (headers: GrpcMetadata.Input) => Effect.Effect<void>
  /** Sets the trailers of a successful end; a failure carries its own. */
  readonly setTrailers: (trailers: GrpcMetadata.Input) => Effect.Effect<void>
}

export type PeerCertificate = NonNullable<
  ReturnType<grpc.ServerUnaryCall<never, never>["getAuthContext"]>["sslPeerCertificate"]
>

export interface SurfaceCall extends
  Pick<
    grpc.ServerUnaryCall<never, never>,
    "metadata" | "getPeer" | "getDeadline" | "getPath" | "getAuthContext" | "sendMetadata" | "cancelled"
  >
{
  on(event: "cancelled", listener: () => void): unknown
}

export interface Context {
  readonly call: ServerCall
  trailers: grpc.Metadata | undefined
}

const deadlineMillis = (call: SurfaceCall): Option.Option<number> => {
  const deadline = call.getDeadline()
  const millis = typeof deadline === "number" ? deadline : deadline.getTime()
  return Number.isFinite(millis) ? Option.some(millis) : Option.none()
}

const wireMetadata = (input: GrpcMetadata.Input): Effect.Effect<grpc.Metadata> =>
  Effect.suspend(() => Result.match(GrpcMetadata.toWire(input), { onSuccess: Effect.succeed, onFailure: Effect.die }))

export const make = (surface: SurfaceCall): Context => {
  const deadline = deadlineMillis(surface)
  const context: Context = {
    trailers: undefined,
    call: {
      method: surface.getPath(),
      metadata: GrpcMetadata.fromWire(surface.metadata),
      peer: surface.getPeer(),
      deadline,
      remaining: Effect.sync(() =>
        Option.match(deadline, {
          onNone: () => Duration.infinity,
          onSome: (millis) => Duration.millis(Math.max(0, millis - machineClock.currentTimeMillisUnsafe()))
        })
      ),
      peerCertificate: Option.fromNullishOr(surface.getAuthContext().sslPeerCertificate),
      sendHeaders: (headers) => Effect.map(wireMetadata(headers), (wire) => surface.sendMetadata(wire)),
      setTrailers: (trailers) =>
        Effect.map(wireMetadata(trailers), (wire) => {
          context.trailers = wire
        })
    }
  }
  return context
}
