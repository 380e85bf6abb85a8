/** What a caller may say about one call. */
import type { Duration, Tracer } from "effect"
import type * as GrpcMetadata from "./GrpcMetadata.ts"

/** Decides over the memory for a long message that has begun to come, before there is any. */
export interface MessageRoom {
  /**
   * Tells, at once or later, why it is not taken: the call fails with that, or undefined: it is. The peer is kept waiting until
   * then. What is given back is called when there is nothing of the message on its way any more.
   */
  readonly enter: (bytes: number, told: (refusal: string | undefined) => void) => () => void
}

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
  /** For a unary answer of 64 KiB or more, by a channel whose transport is `http2`; elsewhere there is always room. */
  readonly room?: MessageRoom
}
