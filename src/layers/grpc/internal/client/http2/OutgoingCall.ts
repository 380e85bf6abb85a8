/** The head of a call over HTTP/2, and what comes back as metadata. */
import { Duration, Result } from "effect"
import type { OutgoingHttpHeaders } from "node:http2"
import { acceptedEncodings } from "../../../Compression.ts"
import type { CallOptions } from "../../../GrpcCallOptions.ts"
import * as GrpcMetadata from "../../../GrpcMetadata.ts"
import * as GrpcTimeout from "../../GrpcTimeout.ts"

const userAgent = "serviceradar-effect"

export interface HeadOptions {
  readonly scheme: "http" | "https"
  readonly authority: string
  readonly path: string
  readonly traceparent: string
  readonly timeout: Duration.Duration
  readonly metadata: CallOptions["metadata"]
}

/** Fails with the reason where a name or value may not travel. */
export const head = (options: HeadOptions): Result.Result<OutgoingHttpHeaders, string> => {
  const { authority, metadata, path, scheme, timeout, traceparent } = options
  const headers: OutgoingHttpHeaders = {
    ":method": "POST",
    ":scheme": scheme,
    ":authority": authority,
    ":path": path,
    te: "trailers",
    "content-type": "application/grpc",
    "user-agent": userAgent,
    "grpc-accept-encoding": acceptedEncodings,
    traceparent
  }
  if (Duration.isFinite(timeout)) headers["grpc-timeout"] = GrpcTimeout.format(Duration.toMillis(timeout))
  return metadata === undefined
    ? Result.succeed(headers)
    : Result.map(GrpcMetadata.toWire(metadata), (wire) => ({ ...headers, ...wire.toHttp2Headers() }))
}

const reserved = new Set(["grpc-status", "grpc-message", "grpc-encoding", "grpc-accept-encoding"])

/** Of names and values in turn, as they arrived, without what gRPC says for itself. */
export const metadataOf = (raw: ReadonlyArray<string>): GrpcMetadata.GrpcMetadata =>
  GrpcMetadata.fromRaw(raw, (name) => reserved.has(name))
