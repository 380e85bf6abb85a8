/** What calls have in common, whatever carries them. */
import { Duration, Effect, Stream, type Tracer } from "effect"
import type { CallOptions } from "../../GrpcCallOptions.ts"
import type { GrpcChannel } from "../../GrpcChannel.ts"
import type { DeadlineExceeded } from "../../GrpcError.ts"
import type { ClientMethodDefinition } from "../../GrpcMethod.ts"
import { machineClock } from "../MachineClock.ts"
import { deadlineExceeded } from "./GrpcAnswer.ts"

/** Serialises when first asked, so that an interceptor may see the bytes that go out. */
export const serialized = <Req>(method: ClientMethodDefinition<Req, unknown>, request: Req): () => Buffer => {
  let bytes: Buffer | undefined
  return () => bytes ??= method.requestSerialize(request)
}

/** Of the span of a call. */
export const spanOptions = (channel: GrpcChannel, parent: CallOptions["parent"]): Tracer.SpanOptionsNoTrace => ({
  kind: "client",
  attributes: { "rpc.system": "grpc", "server.address": channel.target },
  ...(parent === "none" ? { root: true } : { parent })
})

export const withTimeout =
  (path: string, channel: GrpcChannel, timeout: Duration.Duration) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | DeadlineExceeded, R> =>
    Duration.isFinite(timeout)
      ? Effect.clockWith((clock) =>
        clock === machineClock ? effect : Effect.timeoutOrElse(effect, {
          duration: timeout,
          orElse: () => Effect.fail(deadlineExceeded(path, channel, timeout))
        })
      )
      : effect

/** Ends the stream at the deadline, counted from its start; the consumer's own time counts. */
export const withDeadline = <A, E, R>(
  path: string,
  channel: GrpcChannel,
  timeout: Duration.Duration,
  stream: Stream.Stream<A, E, R>
): Stream.Stream<A, E | DeadlineExceeded, R> =>
  Duration.isFinite(timeout)
    ? Stream.interruptWhen(
      stream,
      Effect.delay(Effect.suspend(() => Effect.fail(deadlineExceeded(path, channel, timeout))), timeout)
    )
    : stream
