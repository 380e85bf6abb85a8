/** What a server does around each of its calls. */
import type { Effect } from "effect"
import type { GrpcError } from "../../GrpcError.ts"
import type { ServerCall } from "./ServerCall.ts"

/**
 * Runs around every call, of health and reflection too: it may refuse the call, add to it, or watch its end. `handle`
 * reads the requests, runs the handler and writes the responses; what it fails with becomes the status.
 */
export type ServerInterceptor = <A, R>(
  call: ServerCall,
  handle: Effect.Effect<A, GrpcError, R>
) => Effect.Effect<A, GrpcError, R>
