/** What the headers of a request say, before any message of it is read. */
import { Option } from "effect"
import type * as http2 from "node:http2"
import * as Compression from "../../Compression.ts"
import { type GrpcError, Internal } from "../../GrpcError.ts"
import * as GrpcMetadata from "../../GrpcMetadata.ts"
import * as GrpcTimeout from "../GrpcTimeout.ts"
import { machineClock } from "../MachineClock.ts"

export interface RequestHead {
  readonly path: string
  readonly metadata: GrpcMetadata.GrpcMetadata
  /** Unix milliseconds. */
  readonly deadline: Option.Option<number>
  readonly encoding: string | undefined
  readonly acceptEncoding: string | undefined
  /** Why the call is refused at once. */
  readonly problem: GrpcError | undefined
}

/** HTTP's own and gRPC's own headers: no business of a handler. */
const reserved = new Set([
  "te",
  "content-type",
  "accept-encoding",
  "grpc-timeout",
  "grpc-encoding",
  "grpc-accept-encoding",
  "connection",
  "host"
])

const one = (headers: http2.IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name]
  return typeof value === "string" ? value : value?.[0]
}

/** The HTTP status with which no gRPC call is answered, for a request that is none. */
export const httpRefusal = (headers: http2.IncomingHttpHeaders): number | undefined => {
  if (headers[":method"] !== "POST") return 405
  return /^application\/grpc($|[+;])/i.test(headers["content-type"] ?? "") ? undefined : 415
}

/** `raw` holds names and values in turn, as they arrived: a name that comes twice is there twice. */
export const read = (headers: http2.IncomingHttpHeaders, raw: ReadonlyArray<string>): RequestHead => {
  const timeoutText = one(headers, "grpc-timeout")
  const timeout = Option.flatMap(Option.fromUndefinedOr(timeoutText), GrpcTimeout.parse)
  const encoding = one(headers, "grpc-encoding")
  return {
    path: one(headers, ":path") ?? "",
    metadata: GrpcMetadata.fromRaw(raw, (name) => reserved.has(name)),
    deadline: Option.map(timeout, (millis) => machineClock.currentTimeMillisUnsafe() + millis),
    encoding,
    acceptEncoding: one(headers, "grpc-accept-encoding"),
    problem: timeoutText !== undefined && Option.isNone(timeout)
      ? new Internal({ detail: `grpc-timeout ${JSON.stringify(timeoutText)} is no timeout such as 100m` })
      : Compression.unknownEncoding(encoding)
  }
}
