/**
 * One incoming call, as its handler sees it.
 */
import { Duration, Effect, Option, Result } from "effect"
import type * as http2 from "node:http2"
import * as tls from "node:tls"
import type { GrpcError } from "../../GrpcError.ts"
import * as GrpcMetadata from "../../GrpcMetadata.ts"
import { machineClock } from "../MachineClock.ts"
import type { Http2Call } from "./Http2Call.ts"
import * as PeerAddress from "./PeerAddress.ts"

/** What a handler is told about its call, and what it may say besides the response. */
export interface ServerCall {
  /** `/package.Service/Method`. */
  readonly method: string
  readonly metadata: GrpcMetadata.GrpcMetadata
  /** `address:port` of the client; an IPv6 address has brackets. `unix` on a unix socket. */
  readonly peer: string
  /** Unix milliseconds on this machine's clock; none when the client set no deadline. */
  readonly deadline: Option.Option<number>
  /** Time left until the deadline; infinite without one, zero after it. */
  readonly remaining: Effect.Effect<Duration.Duration>
  /** Certificate that the client presented and TLS verified. */
  readonly peerCertificate: Option.Option<PeerCertificate>
  /**
   * The bytes of the first request, which the handler reads all the same; none when the client sends none. For an
   * interceptor, before it lets the call be handled.
   */
  readonly firstRequest: Effect.Effect<Option.Option<Uint8Array>, GrpcError>
  /** Sends response headers now; only the first call has an effect. Names or values gRPC refuses are a defect. */
  readonly sendHeaders: (headers: GrpcMetadata.Input) => Effect.Effect<void>
  /** Sets the trailers of a successful end; a failure carries its own. */
  readonly setTrailers: (trailers: GrpcMetadata.Input) => Effect.Effect<void>
}

export type PeerCertificate = tls.PeerCertificate

export interface Context {
  readonly call: ServerCall
  trailers: GrpcMetadata.Input
}

/** Asked once per connection: a certificate is parsed anew at each question. */
const certificates = new WeakMap<http2.Http2Session, Option.Option<PeerCertificate>>()

const certificateOf = (session: http2.Http2Session | undefined): Option.Option<PeerCertificate> => {
  if (session === undefined || session.destroyed) return Option.none()
  const known = certificates.get(session)
  if (known !== undefined) return known
  const { socket } = session
  const certificate = socket instanceof tls.TLSSocket && socket.authorized
    ? Option.some(socket.getPeerCertificate())
    : Option.none()
  certificates.set(session, certificate)
  return certificate
}

const checked = (input: GrpcMetadata.Input): Effect.Effect<http2.OutgoingHttpHeaders> =>
  Effect.suspend(() =>
    Result.match(GrpcMetadata.toWire(input), {
      onSuccess: (wire) => Effect.succeed(wire.toHttp2Headers()),
      onFailure: Effect.die
    })
  )

export const make = (incoming: Http2Call): Context => {
  const { deadline, metadata, path } = incoming.head
  const { session } = incoming.stream
  const context: Context = {
    trailers: {},
    call: {
      method: path,
      metadata,
      peer: PeerAddress.ofSession(session).name,
      deadline,
      remaining: Effect.sync(() =>
        Option.match(deadline, {
          onNone: () => Duration.infinity,
          onSome: (millis) => Duration.millis(Math.max(0, millis - machineClock.currentTimeMillisUnsafe()))
        })
      ),
      peerCertificate: certificateOf(session),
      firstRequest: incoming.peek,
      sendHeaders: (headers) => Effect.map(checked(headers), (wire) => incoming.sendHeaders(wire)),
      setTrailers: (trailers) =>
        Effect.map(checked(trailers), () => {
          context.trailers = trailers
        })
    }
  }
  return context
}
