/**
 * A caller's options in their form for grpc-js.
 *
 * grpc-js counts deadlines on the machine's clock, whatever clock the fiber has.
 */
import type * as grpc from "@grpc/grpc-js"
import { Duration, Effect, Result, type Tracer } from "effect"
import type { CallOptions } from "../../GrpcCallOptions.ts"
import type { GrpcChannel } from "../../GrpcChannel.ts"
import { type GrpcError, Internal, Unavailable } from "../../GrpcError.ts"
import * as GrpcMetadata from "../../GrpcMetadata.ts"
import { machineClock } from "../MachineClock.ts"
import * as TraceParent from "./TraceParent.ts"

export interface Prepared {
  readonly metadata: grpc.Metadata
  readonly options: grpc.CallOptions
  readonly timeout: Duration.Duration
}

export const prepare = (
  channel: GrpcChannel,
  path: string,
  span: Tracer.Span,
  deadlineDefault: Duration.Duration,
  options: CallOptions | undefined
): Effect.Effect<Prepared, GrpcError> => {
  if (channel.isClosed()) {
    return Effect.fail(new Unavailable({ method: path, peer: channel.target, detail: "the channel is closed" }))
  }
  const timeout = options?.deadline === undefined ? deadlineDefault : Duration.fromInputUnsafe(options.deadline)
  const metadata = GrpcMetadata.toWire(
    { traceparent: TraceParent.of(span), ...options?.metadata },
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

/** The part of a running call that can be listened to. */
type Call = Pick<grpc.ClientUnaryCall, "on">

export const listen = (call: Call, options: CallOptions | undefined): void => {
  const { onHeaders, onTrailers } = options ?? {}
  if (onHeaders !== undefined) call.on("metadata", (headers) => onHeaders(GrpcMetadata.fromWire(headers)))
  if (onTrailers !== undefined) call.on("status", (status) => onTrailers(GrpcMetadata.fromWire(status.metadata)))
}
