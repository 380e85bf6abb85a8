/**
 * A gRPC server without sockets: runs the methods of a real one for what comes over simulated connections.
 */
import { Cause, Clock, Duration, Effect, Exit, Option, type Scope, Stream } from "effect"
import type * as tls from "node:tls"
import { ChurningMap } from "../../domain/churn/ChurningMap.ts"
import * as ScopedLoop from "../../services/backoff/ScopedLoop.ts"
import type { Socket } from "../../services/simulation/Connection.ts"
import type { Process } from "../../services/simulation/Process.ts"
import type { ServerCall, Serving } from "../grpc/carrier/GrpcCarrier.ts"
import type { ServerCredentials } from "../grpc/GrpcCredentials.ts"
import { DeadlineExceeded, type GrpcError, statusCode, Unavailable, Unimplemented, Unknown } from "../grpc/GrpcError.ts"
import type { GrpcMetadata, Input } from "../grpc/GrpcMetadata.ts"
import { metadataOf } from "./Calls.ts"
import { Frame } from "./Frame.ts"
import * as Handshake from "./Handshake.ts"
import { ServedCall } from "./ServedCall.ts"

type Begin = Extract<Frame["body"], { readonly _tag: "Begin" }>

/** How long running calls may go on after the end. */
const grace = Duration.seconds(5)

interface Running {
  readonly call: ServedCall
  readonly interrupt: () => void
}

/** A call on a connection with certificates. */
export interface SecuredCall {
  readonly client: string
  readonly server: string
  /** When the first to end of the two does, on the clock that they are judged by. */
  readonly overMillis: number
}

export interface ServerTerms {
  /** By which certificates are judged. */
  readonly atMillis: () => number
  readonly onCall: (call: SecuredCall) => void
}

/** Of a connection. */
interface Peer {
  /** Made once: that costs more than a call. */
  readonly certificate: Option.Option<tls.PeerCertificate>
  readonly overMillis: number
}

/** What has begun on a connection. */
interface Arrived {
  readonly socket: Socket
  readonly calls: ChurningMap<number, Running>
  readonly number: number
  readonly begin: Begin
  readonly peer: Peer
}

const plain: Peer = { certificate: Option.none(), overMillis: Infinity }

/** Between the certificates and the last client that is asked to connect again. */
const replaceWithinMillis = 1_000

export class Server<R> {
  readonly #process: Process
  readonly #terms: ServerTerms
  #tls: ServerCredentials["tls"]
  readonly #serving: Serving<R>
  readonly #sockets = new Set<Socket>()
  #running = 0
  #isClosing = false
  #idle: (() => void) | undefined

  constructor(process: Process, serving: Serving<R>, terms: ServerTerms) {
    this.#process = process
    this.#serving = serving
    this.#terms = terms
    this.#tls = serving.credentials?.tls
  }

  /** New connections use the newest certificates; clients of the others are asked to connect again. */
  followRenewals(renewals: NonNullable<ServerCredentials["renewals"]>): Effect.Effect<void, never, Scope.Scope> {
    return ScopedLoop.start(
      "Renewing the certificates of the gRPC server",
      Stream.runForEach(renewals, (next) =>
        Effect.sync(() => {
          this.#tls = { ...this.#tls, ...next }
          for (const socket of this.#sockets) {
            this.#process.later(
              this.#process.random.next() * replaceWithinMillis,
              () => send(socket, 0, { _tag: "GoAway" })
            )
          }
        }))
    )
  }

  accept(socket: Socket): void {
    // One that asks for no certificate is taken for one in plain text.
    const first = this.#tls?.requestCert === true ? this.#tls : undefined
    const shaking = first === undefined
      ? undefined
      : new Handshake.Shaking(socket, () => this.#tls ?? first, this.#terms.atMillis)
    let peer = shaking === undefined ? plain : undefined
    const calls = new ChurningMap<number, Running>()
    this.#sockets.add(socket)
    socket.onClose(() => {
      this.#sockets.delete(socket)
      for (const { interrupt } of calls.values()) interrupt()
      calls.clear()
    })
    socket.onMessage((message) => {
      if (!(message instanceof Frame)) return
      const { body, call } = message
      if (peer === undefined || body._tag === "Hello") {
        // In plain text nobody understands it.
        const refusal = shaking === undefined ? "no TLS is spoken here" : shaking.take(body)
        if (refusal !== undefined) return this.#refuse(socket, refusal)
        const certificate = shaking?.peer
        if (certificate === undefined) return
        peer = {
          certificate: Option.some(Handshake.asPeer(certificate)),
          overMillis: Handshake.overMillis(certificate, shaking?.own)
        }
        return
      }
      if (body._tag === "Begin") return this.#begin({ socket, calls, number: call, begin: body, peer })
      if (body._tag === "Ping") return send(socket, 0, { _tag: "Pong" })
      const running = calls.get(call)
      if (body._tag !== "Cancel") return running?.call.take(body)
      calls.delete(call)
      running?.interrupt()
    })
  }

  /** The client is told no reason. */
  #refuse(socket: Socket, refusal: string): void {
    const { world, name } = this.#process
    world.note(name, `refuses a connection: ${refusal}`, socket.peer)
    this.#sockets.delete(socket)
    socket.close()
  }

  /** No new calls; running ones may go on for a while, then they are interrupted. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    const idle = this.#running === 0 ? Effect.void : Effect.callback<void>((resume) => {
      this.#idle = () => resume(Effect.void)
    })
    return Effect.timeoutOption(idle, grace).pipe(
      Effect.andThen(Effect.sync(() => {
        this.#isClosing = true
      })),
      Effect.andThen(this.#serving.clear),
      Effect.andThen(Effect.sync(() => {
        for (const socket of this.#sockets) socket.close()
        this.#sockets.clear()
      }))
    )
  })

  #begin({ begin, calls, number, peer, socket }: Arrived): void {
    if (Option.isSome(peer.certificate)) {
      this.#terms.onCall({ client: socket.peer, server: this.#process.name, overMillis: peer.overMillis })
    }
    const { interceptors, methods, run } = this.#serving
    const incoming = new ServedCall(begin.path, (body) => send(socket, number, body))
    const serve = methods.get(begin.path)
    if (serve === undefined) {
      return incoming.end(failed(new Unimplemented({ detail: `no method ${begin.path} here` })), undefined)
    }
    const context = this.#callOf(socket, peer, incoming, begin)
    const handled = interceptors.reduceRight(
      (inner, interceptor) => Effect.suspend(() => interceptor(context.call, inner)),
      Effect.suspend(() => serve(incoming, context.call))
    ).pipe(
      (effect) =>
        begin.timeoutMillis === undefined ? effect : Effect.timeoutOrElse(effect, {
          duration: begin.timeoutMillis,
          orElse: () => Effect.fail(new DeadlineExceeded({ detail: "the deadline passed" }))
        }),
      Effect.scoped,
      (effect) => Effect.withSpan(effect, begin.path.slice(1), { root: true, kind: "server", captureStackTrace: false })
    )
    const answer = (exit: Exit.Exit<Buffer | undefined, GrpcError>) =>
      Exit.isSuccess(exit)
        ? Effect.sync(() => incoming.end({ code: 0, detail: "", trailers: metadataOf(context.trailers) }, exit.value))
        : Effect.map(this.#failureOf(exit.cause), (error) => incoming.end(failed(error), undefined))
    this.#running += 1
    const fiber = run(
      Effect.uninterruptibleMask((restore) => Effect.flatMap(Effect.exit(restore(handled)), answer)).pipe(
        Effect.ensuring(Effect.sync(() => {
          calls.delete(number)
          this.#running -= 1
          if (this.#running === 0) this.#idle?.()
        }))
      )
    )
    calls.set(number, { call: incoming, interrupt: () => fiber.interruptUnsafe() })
  }

  #failureOf(cause: Cause.Cause<GrpcError>): Effect.Effect<GrpcError> {
    const failure = Cause.findErrorOption(cause)
    if (Option.isSome(failure)) return Effect.succeed(failure.value)
    if (Cause.hasInterruptsOnly(cause)) {
      return Effect.succeed(
        new Unavailable({ detail: this.#isClosing ? "the server is shutting down" : "interrupted" })
      )
    }
    return Effect.as(
      Effect.logError("gRPC handler died", Cause.pretty(cause)),
      new Unknown({ detail: "internal error" })
    )
  }

  #callOf(socket: Socket, peer: Peer, incoming: ServedCall, { metadata, path, timeoutMillis }: Begin) {
    const { clock } = this.#process
    const deadline = Option.map(
      Option.fromUndefinedOr(timeoutMillis),
      (millis) => clock.currentTimeMillisUnsafe() + millis
    )
    const context: { readonly call: ServerCall; trailers: Input } = {
      trailers: {},
      call: {
        method: path,
        metadata,
        peer: socket.peer,
        deadline,
        remaining: Effect.map(Clock.currentTimeMillis, (now) =>
          Option.match(deadline, {
            onNone: () => Duration.infinity,
            onSome: (millis) => Duration.millis(Math.max(0, millis - now))
          })),
        peerCertificate: peer.certificate,
        firstRequest: incoming.peek,
        sendHeaders: (headers) => Effect.sync(() => incoming.sendHeaders(metadataOf(headers))),
        setTrailers: (trailers) =>
          Effect.sync(() => {
            context.trailers = trailers
          })
      }
    }
    return context
  }
}

const send = (socket: Socket, call: number, body: Frame["body"]): void => {
  const frame = new Frame(call, body)
  socket.send(frame, frame.size)
}

const failed = (error: GrpcError): { code: number; detail: string; trailers: GrpcMetadata } => ({
  code: statusCode(error),
  detail: error.detail,
  trailers: error.trailers
})
