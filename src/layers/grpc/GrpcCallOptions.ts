/** What a caller may say about one call. */
import type { Duration } from "effect"
import type * as GrpcMetadata from "./GrpcMetadata.ts"

export interface CallOptions {
  /** From now until the status; streams have none unless told. */
  readonly deadline?: Duration.Input
  readonly metadata?: GrpcMetadata.Input
  /** Wait for a connection (until the deadline) instead of failing while the peer is away. */
  readonly waitForReady?: boolean
  /** Called with the peer's response headers, synchronously. */
  readonly onHeaders?: (headers: GrpcMetadata.GrpcMetadata) => void
  /** Called with the peer's trailers, synchronously, before the call ends. */
  readonly onTrailers?: (trailers: GrpcMetadata.GrpcMetadata) => void
}
