/**
 * How connections are secured: not at all, by the server's certificate, or by certificates on both sides.
 *
 * TLS is 1.3 or newer. A certificate among the roots is an anchor even when it is an intermediate whose issuer is not
 * there, as in Go. What cannot be read is found when credentials are made, not at the first call.
 */
import * as grpc from "@grpc/grpc-js"
import { Effect, Schema, type Stream } from "effect"
import * as crypto from "node:crypto"
import * as net from "node:net"
import * as tls from "node:tls"
import * as PemText from "../../domain/grpc/PemText.ts"
import type { ClientInterceptor } from "./GrpcInterceptor.ts"
import * as Target from "./internal/client/Target.ts"

/** What is wrong with certificate, key or roots; mostly in OpenSSL's words. */
export class InvalidCertificate extends Schema.TaggedError<InvalidCertificate>()("InvalidCertificate", {
  reason: Schema.String
}) {
  override get message(): string {
    return `TLS certificate, key or roots: ${this.reason}`
  }
}

/** How a socket to one target is secured. */
export interface SocketSecurity {
  /** Asked at each connection; throws what says why there is nothing to connect with. */
  readonly present: () => tls.ConnectionOptions
  /** The name that calls are for, where it is not the target. */
  readonly authority: string | undefined
  /** Of each connection on which TLS was begun. */
  readonly told: (outcome: { readonly certificate: tls.PeerCertificate } | { readonly cause: unknown }) => void
}

/** What this side shows, and the roots that must verify the other one. */
export type Identity = Pick<Pems, "cert" | "ca">

/** Goes into `GrpcChannel.ChannelOptions`; what must be verified depends on the target. */
export interface ClientCredentials {
  /** For `node:http2`; undefined for plain text. */
  readonly forSocket: (target: string) => SocketSecurity | undefined
  readonly forTarget: (target: string) => {
    readonly channel: grpc.ChannelCredentials
    readonly options: grpc.ChannelOptions
  }
  /**
   * Calls back each time that our certificate was replaced: connections are made anew, and the old ones end with their calls.
   * Answers how to stop that.
   */
  readonly onRenewal?: (listener: () => void) => () => void
  /** For whoever carries calls without TLS, and judges certificates as it would; throws what says why there are none. */
  readonly identity?: () => Identity
  /** What goes with them on every call, inside the channel's own. */
  readonly interceptors?: ReadonlyArray<ClientInterceptor>
}

interface TlsCredentials extends ClientCredentials {
  readonly forSocket: (target: string) => SocketSecurity
}

/** A peer with which TLS was begun, and what became of it. */
export interface ConnectionAttempt {
  /** `address:port`, or `unix`; where this side dials, what it dials. */
  readonly address: string
  /** What the peer presented, verified or not. */
  readonly certificate: tls.PeerCertificate | undefined
  /** Why there is no connection. */
  readonly failure: { readonly reason: string; readonly isOfCertificate: boolean } | undefined
}

/** Goes into `GrpcServer.ServerOptions`. */
export interface ServerCredentials {
  /** Plain text when undefined. */
  readonly tls:
    | (tls.SecureContextOptions & Pick<tls.TlsOptions, "requestCert" | "rejectUnauthorized" | "handshakeTimeout">)
    | undefined
  /** What follows `tls`, for connections from then on. */
  readonly renewals?: Stream.Stream<tls.SecureContextOptions>
  /** Told of each connection over TLS; must not throw. */
  readonly onAttempt?: (attempt: ConnectionAttempt) => void
}

/** PEM texts: our chain, its key, and the roots that must verify the peer. */
export interface Pems {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

export interface TlsClientOptions {
  /** PEM of the roots. Default: those of Node, which `--use-system-ca` and `NODE_EXTRA_CA_CERTS` extend. */
  readonly ca?: string | undefined
  /** The name that the server's certificate must bear. Default: the host of the target. */
  readonly serverName?: string | undefined
}

export interface MutualClientOptions extends Pems {
  /** The name that the server's certificate must bear. Default: the host of the target. */
  readonly serverName?: string | undefined
}

/** The settings of TLS that both sides share. */
export const contextOptions = (pems: Partial<Pems>): tls.SecureContextOptions => ({
  ...pems,
  minVersion: "TLSv1.3",
  allowPartialTrustChain: true
})

/**
 * Those of a server. No session is resumed: nobody looks at the certificates of a resumed one again, so a client whose
 * certificate has expired since would still be let in.
 */
export const serverContextOptions = (pems: Partial<Pems>): tls.SecureContextOptions => ({
  ...contextOptions(pems),
  secureOptions: crypto.constants.SSL_OP_NO_TICKET
})

export const plainClient: ClientCredentials = {
  forSocket: () => undefined,
  forTarget: () => ({ channel: grpc.credentials.createInsecure(), options: {} })
}

export const plainServer: ServerCredentials = { tls: undefined }

/** TLS forbids an address as the name a client announces; grpc-js must announce some name, so one that is nobody's. */
const nameOfAddress = "address.invalid"

const hostOf = (target: string): string => (Target.hostOf(target)?.host ?? target).replace(/%.*$/, "")

/** Of a socket whose peer must bear the name `expected`. An address is no name that a client may announce. */
const connectionOptions = (
  context: tls.SecureContext,
  expected: string,
  judge: (certificate: tls.PeerCertificate) => Error | undefined
) => ({
  secureContext: context,
  servername: net.isIP(expected) === 0 ? expected : "",
  checkServerIdentity: (_: string, certificate: tls.PeerCertificate) =>
    tls.checkServerIdentity(expected, certificate) ?? judge(certificate)
})

/** For dialling with a context that was made from `contextOptions`. */
export const ofSecureContext = (
  context: tls.SecureContext,
  serverName?: string,
  /** Judges a certificate that verified and bears the name. */
  judge: (certificate: tls.PeerCertificate) => Error | undefined = () => undefined
): TlsCredentials => ({
  forSocket: (target) => ({
    present: () => connectionOptions(context, serverName ?? hostOf(target), judge),
    authority: serverName,
    told: () => {}
  }),
  forTarget: (target) => {
    const expected = serverName ?? hostOf(target)
    const { checkServerIdentity } = connectionOptions(context, expected, judge)
    return {
      channel: grpc.credentials.createFromSecureContext(context, { checkServerIdentity }),
      options: {
        ...(serverName === undefined ? {} : { "grpc.default_authority": serverName }),
        "grpc.ssl_target_name_override": net.isIP(expected) === 0 ? expected : nameOfAddress
      }
    }
  }
})

const attempt = <A>(read: () => A, reasonOf: (message: string) => string) =>
  Effect.try({
    try: read,
    catch: (cause) =>
      new InvalidCertificate({ reason: reasonOf(cause instanceof Error ? cause.message : String(cause)) })
  })

const checkPem = (name: keyof Pems, pem: string) => {
  const trouble = PemText.troubleOf(pem)
  return trouble === undefined ? Effect.void : new InvalidCertificate({ reason: `${name} ${trouble}` })
}

/** Node takes an empty text for none, which makes its own roots of an empty `ca`, and passes over what is no PEM. */
const checkCertificates = Effect.fnUntraced(function*(name: "cert" | "ca", pem: string) {
  yield* checkPem(name, pem)
  const certificates = PemText.blocksOf(pem).filter(({ label }) => label.endsWith("CERTIFICATE"))
  if (certificates.length === 0) return yield* new InvalidCertificate({ reason: `${name} holds no certificate` })
  yield* Effect.forEach(
    certificates,
    ({ text }) => attempt(() => new crypto.X509Certificate(text), (message) => `${name} cannot be read: ${message}`),
    { discard: true }
  )
})

const checked = Effect.fnUntraced(function*(pems: Partial<Pems>) {
  if (pems.ca !== undefined) yield* checkCertificates("ca", pems.ca)
  if (pems.cert !== undefined) yield* checkCertificates("cert", pems.cert)
  if (pems.key !== undefined) yield* checkPem("key", pems.key)
  return yield* attempt(() => tls.createSecureContext(contextOptions(pems)), (message) => message)
})

/** For dialling a server that asks for no certificate: verifies its own against `ca` and its name. */
export const tlsClient = Effect.fn("GrpcCredentials.tlsClient")(
  ({ ca, serverName }: TlsClientOptions): Effect.Effect<ClientCredentials, InvalidCertificate> =>
    Effect.map(checked(ca === undefined ? {} : { ca }), (context) => ofSecureContext(context, serverName))
)

/** For listening: shows a certificate and asks for none. */
export const tlsServer = Effect.fn("GrpcCredentials.tlsServer")(
  (pems: Pick<Pems, "cert" | "key">): Effect.Effect<ServerCredentials, InvalidCertificate> =>
    Effect.as(checked(pems), { tls: serverContextOptions(pems) })
)

/** For dialling: presents our certificate and verifies the server's against `ca` and its name. */
export const mutualClient = Effect.fn("GrpcCredentials.mutualClient")(
  ({ serverName, ...pems }: MutualClientOptions): Effect.Effect<ClientCredentials, InvalidCertificate> =>
    Effect.map(checked(pems), (context) => ({
      ...ofSecureContext(context, serverName),
      identity: () => ({ cert: pems.cert, ca: pems.ca })
    }))
)

/** For listening: a client must present a certificate that `ca` verifies. */
export const mutualServer = Effect.fn("GrpcCredentials.mutualServer")(
  (pems: Pems): Effect.Effect<ServerCredentials, InvalidCertificate> =>
    Effect.as(checked(pems), { tls: { ...serverContextOptions(pems), requestCert: true, rejectUnauthorized: true } })
)
