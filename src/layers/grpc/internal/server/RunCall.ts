/**
 * Runs one incoming call as a fiber.
 *
 * The fiber has its own scope and is interrupted when the client cancels or disconnects, when the deadline passes, and
 * when the server closes; its finalizers then run before the status is sent. A defect stays in the call: the caller
 * sees `Unknown: internal error`, as the Go servers answer a panic, and the log has the cause.
 */
import { Cause, Effect, Exit, Option } from "effect"
import * as Headers from "effect/http/Headers"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import { later } from "../../../sockets/Timer.ts"
import { DeadlineExceeded, type GrpcError, Unavailable, Unknown } from "../../GrpcError.ts"
import * as GrpcMetadata from "../../GrpcMetadata.ts"
import { machineClock } from "../MachineClock.ts"
import type { Needs, Serve } from "./GrpcHandler.ts"
import * as GrpcStatus from "./GrpcStatus.ts"
import type { Http2Call } from "./Http2Call.ts"
import * as ServerCall from "./ServerCall.ts"
import type { ServerInterceptor } from "./ServerInterceptor.ts"

/** Starts a fiber that the server owns. */
export type Run<R> = (effect: Effect.Effect<void, never, R>) => { readonly interruptUnsafe: () => void }

/** What a server does for all of its calls. */
export interface Runner<R> {
  readonly run: Run<Needs<R>>
  readonly interceptors: ReadonlyArray<ServerInterceptor>
  readonly isClosing: () => boolean
  /** Whether anybody keeps spans; where nobody does, none is made. */
  readonly isTraced: boolean
}

/** `interrupted` says why the fiber was, unless it interrupted itself. */
export const failureOf = (
  cause: Cause.Cause<GrpcError>,
  call: Pick<ServerCall.ServerCall, "method" | "peer">,
  interrupted: GrpcError | undefined
): Effect.Effect<GrpcError> => {
  const failure = Cause.findErrorOption(cause)
  if (Option.isSome(failure)) return Effect.succeed(failure.value)
  if (Cause.hasInterruptsOnly(cause) && interrupted !== undefined) return Effect.succeed(interrupted)
  return Effect.logError("gRPC handler died", cause).pipe(
    Effect.annotateLogs({ method: call.method, peer: call.peer }),
    Effect.as(new Unknown({ detail: "internal error" }))
  )
}

const callerSpan = (call: ServerCall.ServerCall) => {
  const traceparent = GrpcMetadata.text(call.metadata, "traceparent")
  return traceparent === undefined ? Option.none() : HttpTraceContext.w3c(Headers.fromRecordUnsafe({ traceparent }))
}

/**
 * Child of the caller's span when the caller sent one, else the root of a trace: never part of the server's start. Where
 * nobody keeps spans, what the handler calls in turn is still part of the caller's trace.
 */
const withServerSpan = <A, E, R>(effect: Effect.Effect<A, E, R>, call: ServerCall.ServerCall, isTraced: boolean) => {
  const parent = callerSpan(call)
  if (!isTraced) return Option.isNone(parent) ? effect : Effect.withParentSpan(effect, parent.value)
  return Effect.withSpan(effect, call.method.slice(1), {
    kind: "server",
    attributes: { "rpc.system": "grpc", "client.address": call.peer },
    captureStackTrace: false,
    ...(Option.isSome(parent) ? { parent: parent.value } : { root: true })
  })
}

/** The first interceptor is the outermost: it sees the call first and its end last. */
const intercepted = <A, R>(
  interceptors: ReadonlyArray<ServerInterceptor>,
  call: ServerCall.ServerCall,
  effect: Effect.Effect<A, GrpcError, R>
): Effect.Effect<A, GrpcError, R> =>
  interceptors.reduceRight((inner, interceptor) => Effect.suspend(() => interceptor(call, inner)), effect)

export const runCall = <R>(
  incoming: Http2Call,
  serve: Serve<R>,
  { interceptors, isClosing, isTraced, run }: Runner<R>
): void => {
  const { stream } = incoming
  const context = ServerCall.make(incoming)
  const { call } = context
  let isLate = false
  let forgetDeadline = () => {}
  /** By the deadline, by the server, or because the client is gone; a handler that interrupts itself has died. */
  const interrupted = (): GrpcError | undefined => {
    if (isLate) return new DeadlineExceeded({ detail: "the deadline passed" })
    return isClosing() || stream.closed || stream.aborted
      ? new Unavailable({ detail: "the server is shutting down" })
      : undefined
  }
  const answer = (exit: Exit.Exit<Buffer | undefined, GrpcError>) => {
    forgetDeadline()
    return Exit.isSuccess(exit)
      ? Effect.sync(() => incoming.end(GrpcStatus.ok(context.trailers), exit.value))
      : Effect.map(
        failureOf(exit.cause, call, interrupted()),
        (error) => incoming.end(GrpcStatus.failed(error), undefined)
      )
  }
  const handled = Effect.scoped(intercepted(interceptors, call, Effect.suspend(() => serve(incoming, call))))
  const spanned = withServerSpan(handled, call, isTraced)
  const fiber = run(
    // The answer is given even when the server interrupts the call.
    Effect.uninterruptibleMask((restore) => Effect.flatMap(Effect.exit(restore(spanned)), answer))
  )
  // A stream that is closed already has told nobody here. One that is reset says so at once by `aborted`, but closes only
  // when everything that came on it was read.
  if (stream.closed || stream.aborted) return fiber.interruptUnsafe()
  const { deadline } = call
  if (Option.isSome(deadline) && !incoming.isGone) {
    // On the machine's clock, like the deadline itself.
    forgetDeadline = later(Math.max(0, deadline.value - machineClock.currentTimeMillisUnsafe()), () => {
      isLate = true
      fiber.interruptUnsafe()
    })
  }
  stream.once("aborted", () => fiber.interruptUnsafe())
  incoming.onClosed(() => {
    forgetDeadline()
    fiber.interruptUnsafe()
  })
}
