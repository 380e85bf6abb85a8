/**
 * Message compression: gzip and deflate, as every gRPC peer knows them.
 *
 * A message that decompresses beyond the limit is refused while it grows, so that a few kilobytes cannot become
 * gigabytes of memory.
 */
import { Effect } from "effect"
import * as zlib from "node:zlib"
import { type GrpcError, Internal, ResourceExhausted, Unimplemented } from "./GrpcError.ts"

export type Compression = "gzip" | "deflate"

/** What this side reads, as the header `grpc-accept-encoding` says it. */
export const acceptedEncodings = "identity,deflate,gzip"

const isCompression = (encoding: string): encoding is Compression => encoding === "gzip" || encoding === "deflate"

/** Whether the peer's `grpc-accept-encoding` names it. */
export const isAcceptedBy = (compression: Compression, acceptEncoding: string | undefined): boolean =>
  acceptEncoding !== undefined && acceptEncoding.split(",").some((name) => name.trim() === compression)

/** What the peer may not say: an encoding nobody here knows. */
export const unknownEncoding = (encoding: string | undefined): GrpcError | undefined =>
  encoding === undefined || encoding === "identity" || isCompression(encoding)
    ? undefined
    : new Unimplemented({ detail: `grpc-encoding ${encoding} is not supported, only ${acceptedEncodings}` })

const isTooLarge = (error: Error): boolean => "code" in error && error.code === "ERR_BUFFER_TOO_LARGE"

const run = (
  call: (done: (error: Error | null, output: Buffer) => void) => void,
  failed: (error: Error) => GrpcError
): Effect.Effect<Buffer, GrpcError> =>
  Effect.callback((resume) => {
    call((error, output) => resume(error === null ? Effect.succeed(output) : Effect.fail(failed(error))))
  })

export const compress = (compression: Compression, message: Uint8Array): Effect.Effect<Buffer, GrpcError> =>
  run(
    (done) => compression === "gzip" ? zlib.gzip(message, done) : zlib.deflate(message, done),
    (error) => new Internal({ detail: `the message cannot be compressed: ${error.message}` })
  )

/** What a compressed message is on a stream that has not said how. */
export const unannounced = (): GrpcError =>
  new Internal({ detail: "a compressed message on a stream without grpc-encoding" })

/** The message of a frame whose flag says "compressed", under the stream's `grpc-encoding`. */
export const decompress = (
  encoding: string | undefined,
  message: Uint8Array,
  bytesMax: number
): Effect.Effect<Buffer, GrpcError> => {
  if (encoding === undefined || encoding === "identity") return Effect.fail(unannounced())
  if (!isCompression(encoding)) return Effect.fail(unknownEncoding(encoding) ?? new Internal({ detail: encoding }))
  const options = { maxOutputLength: bytesMax }
  return run(
    (done) => encoding === "gzip" ? zlib.gunzip(message, options, done) : zlib.inflate(message, options, done),
    (error) =>
      isTooLarge(error)
        ? new ResourceExhausted({ detail: `received a message that decompresses to more than ${bytesMax} bytes` })
        : new Internal({ detail: `a message that is no ${encoding}: ${error.message}` })
  )
}
