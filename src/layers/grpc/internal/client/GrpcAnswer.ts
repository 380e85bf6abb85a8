/**
 * How a call ended, in our terms: a response, or an error that names method and peer.
 */
import * as grpc from "@grpc/grpc-js"
import { Duration, Exit } from "effect"
import type { GrpcChannel } from "../../GrpcChannel.ts"
import { DeadlineExceeded, fromStatus, type GrpcError, Internal } from "../../GrpcError.ts"
import * as GrpcMetadata from "../../GrpcMetadata.ts"

type Call = Pick<grpc.ClientUnaryCall, "getPeer">

/** Without a connection grpc-js names the resolver's target instead of an address. */
const peerOf = (channel: GrpcChannel, call: Call): string => {
  const peer = call.getPeer()
  return peer === "unknown" || peer === channel.client.getChannel().getTarget() ? channel.target : peer
}

/** grpc-js appends a note even when the resolver has none, and the time of an error, which makes each one different. */
const noise = /\.? Resolution note: $| \(\d{4}-\d\d-\d\dT[\d:.]+Z\)/g

/** Of what grpc-js throws at itself, such as a message whose encoding it does not know, neither code nor text is given. */
const unreadable =
  "an answer that cannot be read: a compressed message without grpc-encoding, or with one not known here"

export const errorOf = (
  path: string,
  channel: GrpcChannel,
  call: Call,
  error: Partial<grpc.ServiceError>
): GrpcError =>
  fromStatus(error.code ?? grpc.status.INTERNAL, {
    method: path,
    peer: peerOf(channel, call),
    detail: error.code === undefined ? unreadable : (error.details ?? "").replace(noise, ""),
    // Absent when grpc-js itself made the error.
    trailers: error.metadata instanceof grpc.Metadata ? GrpcMetadata.fromWire(error.metadata) : {}
  })

export const unanswered = (path: string, channel: GrpcChannel): Exit.Exit<never, GrpcError> =>
  Exit.fail(new Internal({ method: path, peer: channel.target, detail: "neither a response nor an error" }))

/** What grpc-js says of a deadline that it has kept itself has times in it, which make each one different. */
const isOwnDeadline = ({ code, details = "" }: Partial<grpc.ServiceError>): boolean =>
  code === grpc.status.DEADLINE_EXCEEDED && details.startsWith("Deadline exceeded after ")

export const settle = <Res>(
  path: string,
  channel: GrpcChannel,
  call: Call,
  timeout: Duration.Duration,
  error: Partial<grpc.ServiceError> | null,
  response: Res | undefined
): Exit.Exit<Res, GrpcError> => {
  if (error !== null && isOwnDeadline(error)) return Exit.fail(deadlineExceeded(path, channel, timeout))
  if (error !== null) return Exit.fail(errorOf(path, channel, call, error))
  if (response !== undefined) return Exit.succeed(response)
  return Exit.fail(
    new Internal({ method: path, peer: peerOf(channel, call), detail: "neither a response nor an error" })
  )
}

export const deadlineExceeded = (path: string, channel: GrpcChannel, timeout: Duration.Duration) =>
  new DeadlineExceeded({ method: path, peer: channel.target, detail: `no answer within ${Duration.format(timeout)}` })
