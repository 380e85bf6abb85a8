/** What a caller may say about one call. */
import type { Duration, Tracer } from "effect"
import type * as GrpcMetadata from "./GrpcMetadata.ts"

export interface CallOptions {
  /** From now until the status; streams have none unless told. */
  readonly deadline?: Duration.Input
  readonly metadata?: GrpcMetadata.Input
  /** What the call's own span belongs to; `none` for a trace of its own. The span of the fiber unless told. */
  readonly parent?: Tracer.AnySpan | "none"
  /** Wait for a connection (until the deadline) instead of failing while the peer is away. */
  readonly waitForReady?: boolean
  /** Called with the peer's response headers, synchronously. */
  readonly onHeaders?: (headers: GrpcMetadata.GrpcMetadata) => void
  /** Called with the peer's trailers, synchronously, before the call ends. */
  readonly onTrailers?: (trailers: GrpcMetadata.GrpcMetadata) => void
}
