/**
 * Certificates on the HTTP side of a program: its own, which makes it HTTPS, and those of its clients.
 *
 * A client need not show one, for health is open and a token serves as well. One that does is judged by the rules of gRPC:
 * it must verify, be on the allow list where there is one, and have a role that may read.
 */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Effect, Option, Result, type Scope, Stream } from "effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as https from "node:https"
import * as tls from "node:tls"
import * as Authorization from "../../domain/security/Authorization.ts"
import * as CertificateIdentity from "../../domain/security/CertificateIdentity.ts"
import { none, type SecurityConfig } from "../../domain/security/SecurityConfig.ts"
import * as SecurityEvent from "../../domain/security/SecurityEvent.ts"
import * as ScopedLoop from "../../services/backoff/ScopedLoop.ts"
import { Credentials, type CredentialsError } from "../../services/security/Credentials.ts"
import { SecurityMonitor } from "../../services/security/SecurityMonitor.ts"
import * as GrpcCredentials from "../security/GrpcCredentials.ts"
import * as PeerCertificate from "../security/PeerCertificate.ts"
import * as PeerRules from "../security/PeerRules.ts"
import * as Alpn from "../sockets/Alpn.ts"
import * as HandshakeQueue from "../sockets/HandshakeQueue.ts"
import * as ServerContext from "../sockets/ServerContext.ts"
import * as ConnectionAges from "./ConnectionAges.ts"

export type Secured = Exclude<SecurityConfig, { readonly _tag: "None" }>

/** What is wrong with a client that showed a certificate, or none. */
export interface Refusal {
  /** `NotVerified` or one of `Authorization`. */
  readonly error: "NotVerified" | Authorization.AuthorizationError["_tag"]
  readonly status: 401 | 403
  readonly reason: string
  readonly event: SecurityEvent.SecurityEvent
}

const peerOf = (certificate: tls.PeerCertificate): string =>
  CertificateIdentity.nameOf(PeerCertificate.identityOf(certificate))

/** Without a certificate the object that Node gives is empty. */
const presented = (socket: tls.TLSSocket): tls.PeerCertificate | undefined => {
  const certificate: tls.PeerCertificate | null = socket.getPeerCertificate()
  return certificate === null || Object.keys(certificate).length === 0 ? undefined : certificate
}

const missing = (path: string): Refusal => {
  const error = new Authorization.NoCertificate({ method: path })
  return {
    error: error._tag,
    status: 401,
    reason: error.message,
    event: SecurityEvent.UnauthorizedAccess.make({ peer: "", action: "HTTP", reason: "no client certificate" })
  }
}

const notVerified = (commonName: string, reason: string): Refusal => ({
  error: "NotVerified",
  status: 401,
  reason: `the client certificate does not verify: ${reason}`,
  event: SecurityEvent.CertificateRejected.make({ commonName, reason })
})

/** In mode `spiffe` a client is a member of our trust domain, whatever else its roots have vouched for. */
const decide = (identity: CertificateIdentity.CertificateIdentity, path: string, security: Secured) => {
  const domain = security._tag === "Spiffe" ? security.trustDomain : Option.none<string>()
  const isStranger = Option.isSome(domain) && Option.isSome(PeerRules.client(identity, security.peers, domain))
  return isStranger
    ? Result.fail(new Authorization.NotAllowed({ peer: CertificateIdentity.nameOf(identity), method: path }))
    : Authorization.decide(identity, { method: path, requirement: "read" }, security.peers)
}

/** Whether the client of this request may read, by its certificate. */
export const judge = (
  request: HttpServerRequest.HttpServerRequest,
  path: string,
  security: Secured
): Result.Result<void, Refusal> => {
  const { socket } = NodeHttpServerRequest.toIncomingMessage(request)
  const certificate = socket instanceof tls.TLSSocket ? presented(socket) : undefined
  if (!(socket instanceof tls.TLSSocket) || certificate === undefined) return Result.fail(missing(path))
  if (!socket.authorized) {
    return Result.fail(notVerified(peerOf(certificate), String(socket.authorizationError)))
  }
  return Result.mapBoth(decide(PeerCertificate.identityOf(certificate), path, security), {
    onSuccess: () => undefined,
    onFailure: (error): Refusal => ({
      error: error._tag,
      status: 403,
      reason: error.message,
      event: SecurityEvent.UnauthorizedAccess.make({ peer: peerOf(certificate), action: "HTTP", reason: error.message })
    })
  })
}

/** New connections use the newest certificates; those that are open end with the answer to their next request. */
const followRenewals = (
  server: https.Server,
  renewals: Stream.Stream<tls.SecureContextOptions>,
  connections: ConnectionAges.ConnectionAges
) =>
  ScopedLoop.start(
    "Renewing the certificates of the HTTP server",
    Stream.runForEach(renewals, (options) =>
      Effect.try({
        try: () => {
          ServerContext.use(server, options)
          connections.retire()
        },
        catch: (cause) => cause instanceof Error ? cause.message : String(cause)
      }).pipe(
        Effect.catch((reason) => Effect.logError(`HTTP: new certificates cannot be used, the old ones stay: ${reason}`))
      ))
  )

export interface ManagementCertificates {
  /** What the mode makes of the configuration. */
  readonly security: SecurityConfig
  /** Whoever connects is heard; what it showed is judged with each request. */
  readonly serve: (settings: https.ServerOptions) => Effect.Effect<https.Server, never, Scope.Scope>
}

/** Of a program with this security that listens on `host`. Without a service for certificates there are none. */
export const of = Effect.fnUntraced(function*(
  configured: SecurityConfig,
  host: string
): Effect.fn.Return<ManagementCertificates, CredentialsError, Scope.Scope> {
  const service = Option.all([yield* Effect.serviceOption(Credentials), yield* Effect.serviceOption(SecurityMonitor)])
  const plain: ManagementCertificates = {
    security: none,
    serve: (settings) => Effect.sync(() => https.createServer(settings))
  }
  if (configured._tag === "None" || Option.isNone(service)) return plain
  const [credentials, monitor] = service.value
  const { renewals, tls: own } = yield* GrpcCredentials.server(configured, host).pipe(
    Effect.provideService(Credentials, credentials),
    Effect.provideService(SecurityMonitor, monitor)
  )
  if (own === undefined) return plain
  return {
    security: configured,
    serve: Effect.fnUntraced(function*(settings) {
      const server = https.createServer({
        ...settings,
        ...own,
        ALPNCallback: Alpn.choose(["http/1.1"]),
        requestCert: true,
        rejectUnauthorized: false
      })
      ServerContext.use(server, own)
      HandshakeQueue.takeTurns(server, () => {})
      if (renewals !== undefined) yield* followRenewals(server, renewals, ConnectionAges.watch(server))
      return server
    })
  }
})
