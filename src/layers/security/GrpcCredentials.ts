/**
 * The credentials of gRPC from the `security` object of a configuration.
 *
 * What certificates are in use is asked at each connection, so a renewed one counts from the next connection on. In mode
 * `spiffe` a connection before the first identity fails with that reason.
 */
import * as grpc from "@grpc/grpc-js"
import { Effect, Option, Redacted, type Scope, Stream } from "effect"
import * as net from "node:net"
import * as tls from "node:tls"
import type { Mtls, SecurityConfig, Spiffe } from "../../domain/security/SecurityConfig.ts"
import * as SecurityMode from "../../domain/security/SecurityMode.ts"
import * as ConnectionSecurity from "../../services/security/ConnectionSecurity.ts"
import {
  Credentials,
  type CredentialsError,
  type CredentialSet,
  type CredentialSource
} from "../../services/security/Credentials.ts"
import { CurrentSecurityMode } from "../../services/security/CurrentSecurityMode.ts"
import { type PlainTextDirection, SecurityMonitor } from "../../services/security/SecurityMonitor.ts"
import * as GrpcCredentials from "../grpc/GrpcCredentials.ts"
import * as ConnectionEvents from "./ConnectionEvents.ts"
import * as PeerRules from "./PeerRules.ts"
import { attemptOf, RotatingChannel } from "./RotatingChannel.ts"
import * as GrpcSigning from "./signing/GrpcSigning.ts"
import * as MessageSigner from "./signing/MessageSigner.ts"

export { CredentialsError } from "../../services/security/Credentials.ts"

const warnOfPlainText = Effect.fnUntraced(function*(direction: PlainTextDirection, host: string) {
  const { isExplicit, mode } = yield* CurrentSecurityMode
  if (isExplicit || mode !== "production" || SecurityMode.isLoopback(host)) return
  yield* (yield* SecurityMonitor).warnOfPlainText(direction, host)
})

/** Contexts are large; thousands of channels share one. */
const contexts = new WeakMap<CredentialSet, Map<string, tls.SecureContext>>()

const contextOf = (set: CredentialSet, roots: string): tls.SecureContext => {
  const known = contexts.get(set) ?? new Map<string, tls.SecureContext>()
  contexts.set(set, known)
  const found = known.get(roots)
  if (found !== undefined) return found
  const context = tls.createSecureContext(GrpcCredentials.contextOptions({
    cert: set.cert,
    key: Redacted.value(set.key),
    ca: roots
  }))
  known.set(roots, context)
  return context
}

const present = (source: CredentialSource): CredentialSet =>
  Option.getOrThrowWith(source.current(), () => new Error(source.trouble()))

const refusalError = (refusal: PeerRules.Refusal): Error | undefined =>
  Option.getOrUndefined(Option.map(refusal, (reason) => new Error(reason)))

const mutual = (security: Mtls, source: CredentialSource) => {
  const serverName = Option.getOrUndefined(security.serverName)
  const current = () => {
    const set = present(source)
    return GrpcCredentials.ofSecureContext(
      contextOf(set, set.serverRoots),
      serverName,
      (certificate) => refusalError(PeerRules.certificate(certificate, security.peers))
    )
  }
  return {
    socket: (target: string) => current().forSocket(target).present(),
    authority: serverName,
    channel: (target: string) => current().forTarget(target).channel,
    options: (target: string) =>
      GrpcCredentials.ofSecureContext(tls.createSecureContext(), serverName).forTarget(target).options
  }
}

/** Whoever has the right id may be at any address. */
const workload = (security: Spiffe, source: CredentialSource) => {
  const current = () => {
    const set = present(source)
    const checkServerIdentity = (_: string, certificate: tls.PeerCertificate) =>
      refusalError(PeerRules.spiffeServer(certificate, security, set))
    return { context: contextOf(set, set.serverRoots), checkServerIdentity }
  }
  return {
    socket: (target: string) => {
      const { checkServerIdentity, context } = current()
      const host = ConnectionSecurity.hostOf(target)
      return { secureContext: context, servername: net.isIP(host) === 0 ? host : "", checkServerIdentity }
    },
    authority: undefined,
    channel: () => {
      const { checkServerIdentity, context } = current()
      return grpc.credentials.createFromSecureContext(context, { checkServerIdentity })
    },
    options: () => ({})
  }
}

/** For dialling `target`: presents our certificate and verifies the server's. */
export const client = Effect.fn("GrpcCredentials.client")(function*(
  configured: SecurityConfig,
  target: string
): Effect.fn.Return<
  GrpcCredentials.ClientCredentials,
  CredentialsError,
  Credentials | SecurityMonitor | Scope.Scope
> {
  const security = yield* ConnectionSecurity.dialling(configured, target)
  if (security._tag === "None") {
    yield* warnOfPlainText("dial", ConnectionSecurity.hostOf(target))
    return GrpcCredentials.plainClient
  }
  const credentials = yield* Credentials
  const source = yield* credentials.open(ConnectionSecurity.originOf(security))
  const { signing } = security.peers
  if (signing.isSigning) yield* MessageSigner.checkKey(source)
  const told = yield* ConnectionEvents.recorder
  const secured = security._tag === "Mtls" ? mutual(security, source) : workload(security, source)
  return {
    ...(signing.isSigning ? { interceptors: [GrpcSigning.client(source)] } : {}),
    forSocket: (target) => ({
      present: () => secured.socket(target),
      authority: secured.authority,
      told: (outcome) => told(attemptOf(target, outcome))
    }),
    forTarget: (target) => ({
      channel: new RotatingChannel({ present: () => secured.channel(target), target, told }),
      options: secured.options(target)
    }),
    onRenewal: source.onChange,
    identity: () => {
      const { cert, serverRoots } = present(source)
      return { cert, ca: serverRoots }
    }
  }
})

const serverContext = (security: Mtls | Spiffe, set: CredentialSet): tls.SecureContextOptions =>
  GrpcCredentials.serverContextOptions({
    cert: set.cert,
    key: Redacted.value(set.key),
    ca: PeerRules.rootsOfClients(security, set)
  })

/** Milliseconds that a client may take to come to terms. */
const handshakeTimeout = 10_000

/** For listening on `host`: a client must present a certificate that our roots verify. Without one of ours nobody can. */
export const server = Effect.fn("GrpcCredentials.server")(function*(
  configured: SecurityConfig,
  host: string
): Effect.fn.Return<
  GrpcCredentials.ServerCredentials,
  CredentialsError,
  Credentials | SecurityMonitor | Scope.Scope
> {
  const security = yield* ConnectionSecurity.listening(configured, host)
  if (security._tag === "None") {
    yield* warnOfPlainText("listen", ConnectionSecurity.listeningOn(host))
    return GrpcCredentials.plainServer
  }
  const credentials = yield* Credentials
  const source = yield* credentials.open(ConnectionSecurity.originOf(security))
  const contextOf = (set: Option.Option<CredentialSet>): tls.SecureContextOptions =>
    Option.match(set, {
      onNone: () => GrpcCredentials.serverContextOptions({}),
      onSome: (set) => serverContext(security, set)
    })
  return {
    tls: { ...contextOf(source.current()), requestCert: true, rejectUnauthorized: true, handshakeTimeout },
    onAttempt: yield* ConnectionEvents.recorder,
    renewals: Stream.map(Stream.drop(source.changes, 1), contextOf)
  }
})
