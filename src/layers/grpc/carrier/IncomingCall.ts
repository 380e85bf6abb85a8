/** One incoming call, as what a handler becomes reads and writes it, whatever carries it. */
import type { Effect } from "effect"
import type { GrpcError } from "../GrpcError.ts"

export interface IncomingCall {
  readonly head: { readonly path: string }
  /** Fails the read under way, and those after it, when the client has not sent all in time. */
  readonly expectSoon: () => void
  /** The next messages, at least one; none when the client has sent all. */
  readonly read: Effect.Effect<ReadonlyArray<Buffer>, GrpcError>
  /** All messages of a call that should have one; two say that there are several. By `read` unless given. */
  readonly few?: Effect.Effect<ReadonlyArray<Buffer>, GrpcError>
  /** The bytes of a message as they go out. */
  readonly frame: (message: Uint8Array) => Effect.Effect<Buffer, GrpcError>
  /** Writes one frame and waits until there is room for the next. */
  readonly write: (frame: Buffer) => Effect.Effect<void>
  /** That there are to be no others; once. */
  readonly sendHeaders: (headers: Readonly<Record<string, never>>) => void
  /** By then a client that cancels has said so, although its requests seemed complete. */
  readonly resetGrace: Effect.Effect<void>
}
