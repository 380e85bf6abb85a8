/**
 * The credentials of gRPC from the `security` object of a configuration.
 *
 * What certificates are in use is asked at each connection, so a renewed one counts from the next connection on. In mode
 * `spiffe` a connection before the first identity fails with that reason.
 */
import * as grpc from "@grpc/grpc-js"
import { Effect, Option, Redacted, type Scope, Stream } from "effect"
import * as tls from "node:tls"
import type { Mtls, SecurityConfig, Spiffe } from "../../domain/security/SecurityConfig.ts"
import * as SecurityMode from "../../domain/security/SecurityMode.ts"
import * as HostPort from "../../domain/sockets/HostPort.ts"
import {
  type CredentialOrigin,
  Credentials,
  CredentialsError,
  type CredentialSet,
  type CredentialSource
} from "../../services/security/Credentials.ts"
import { CurrentSecurityMode, variable } from "../../services/security/CurrentSecurityMode.ts"
import * as GrpcCredentials from "../grpc/GrpcCredentials.ts"
import * as PeerRules from "./PeerRules.ts"
import { RotatingChannel } from "./RotatingChannel.ts"
import * as GrpcSigning from "./signing/GrpcSigning.ts"
import * as MessageSigner from "./signing/MessageSigner.ts"

export { CredentialsError } from "../../services/security/Credentials.ts"

/** Where the certificates of a configuration come from. */
export const originOf = (security: Mtls | Spiffe): CredentialOrigin => {
  if (security._tag === "Mtls") {
    const { caFile, certFile, clientCaFile, keyFile } = security
    return { _tag: "Files", files: { caFile, certFile, clientCaFile, keyFile }, isSvid: false, isRooted: true }
  }
  return Option.isSome(security.files)
    ? { _tag: "Files", files: security.files.value, isSvid: true, isRooted: true }
    : { _tag: "WorkloadApi", address: Option.getOrElse(security.workloadSocket, () => "") }
}

const hostOf = (target: string): string => HostPort.hostOf(target) || "localhost"

/** An empty host means every interface here, and with a port alone this machine where it is dialled. */
const listeningOn = (host: string): string => host === "" ? "0.0.0.0" : host

/** What the mode makes of a configuration for a host that is dialled. */
const effective = Effect.fnUntraced(function*(
  security: SecurityConfig,
  host: string
): Effect.fn.Return<SecurityConfig, CredentialsError> {
  const setting = yield* CurrentSecurityMode
  const hasCertificates = security._tag !== "None"
  switch (SecurityMode.choose(setting, { hasCertificates, host })) {
    case "tls":
      return security
    case "plain":
      return { _tag: "None" }
    case "missing":
      return yield* new CredentialsError({
        file: "",
        reason: `${variable} is ${setting.mode}, but no certificates are configured for ${host}: add a security block`
      })
  }
})

/** What the mode makes of a configuration for a host that is listened on. */
export const effectiveServer = (
  security: SecurityConfig,
  host: string
): Effect.Effect<SecurityConfig, CredentialsError> => effective(security, listeningOn(host))

/** Said once for each direction: a poller may dial thousands of agents. */
const warned = new Set<string>()

const warnings = {
  listen: "everybody on the network may call, read and change what is sent",
  dial: "whoever is on the way, or has taken the address, may read and change what is sent"
}

const warnOfPlainText = Effect.fnUntraced(function*(direction: keyof typeof warnings, host: string) {
  const { isExplicit, mode } = yield* CurrentSecurityMode
  if (isExplicit || mode !== "production" || SecurityMode.isLoopback(host) || warned.has(direction)) return
  warned.add(direction)
  const what = direction === "listen" ? `serves ${host}` : `dials ${host}, and perhaps others,`
  yield* Effect.logWarning(
    `gRPC ${what} in plain text: ${
      warnings[direction]
    }. Configure certificates (serviceradar certs), or say that it is ` +
      `meant with ${variable}=development`
  )
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

const mutual = (security: Mtls, source: CredentialSource, target: string) => {
  const { options } = GrpcCredentials.ofSecureContext(
    tls.createSecureContext(),
    Option.getOrUndefined(security.serverName)
  )
    .forTarget(target)
  const channel = () => {
    const set = present(source)
    return GrpcCredentials.ofSecureContext(
      contextOf(set, set.serverRoots),
      Option.getOrUndefined(security.serverName),
      (certificate) => refusalError(PeerRules.certificate(certificate, security.peers))
    ).forTarget(target).channel
  }
  return { channel: new RotatingChannel(channel), options }
}

/** Whoever has the right id may be at any address. */
const workload = (security: Spiffe, source: CredentialSource) => ({
  channel: new RotatingChannel(() => {
    const set = present(source)
    return grpc.credentials.createFromSecureContext(contextOf(set, set.serverRoots), {
      checkServerIdentity: (_, certificate) => refusalError(PeerRules.spiffeServer(certificate, security, set))
    })
  }),
  options: {}
})

/** For dialling `target`: presents our certificate and verifies the server's. */
export const client = Effect.fn("GrpcCredentials.client")(function*(
  configured: SecurityConfig,
  target: string
): Effect.fn.Return<GrpcCredentials.ClientCredentials, CredentialsError, Credentials | Scope.Scope> {
  const host = hostOf(target)
  const security = yield* effective(configured, host)
  if (security._tag === "None") {
    yield* warnOfPlainText("dial", host)
    return GrpcCredentials.plainClient
  }
  const credentials = yield* Credentials
  const source = yield* credentials.open(originOf(security))
  const { signing } = security.peers
  if (signing.isSigning) yield* MessageSigner.checkKey(source)
  return {
    ...(signing.isSigning ? { interceptors: [GrpcSigning.client(source)] } : {}),
    forTarget: (target) => security._tag === "Mtls" ? mutual(security, source, target) : workload(security, source),
    renewals: Stream.drop(source.changes, 1)
  }
})

const serverContext = (security: Mtls | Spiffe, set: CredentialSet): tls.SecureContextOptions =>
  GrpcCredentials.contextOptions({
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
): Effect.fn.Return<GrpcCredentials.ServerCredentials, CredentialsError, Credentials | Scope.Scope> {
  const security = yield* effectiveServer(configured, host)
  if (security._tag === "None") {
    yield* warnOfPlainText("listen", listeningOn(host))
    return GrpcCredentials.plainServer
  }
  const credentials = yield* Credentials
  const source = yield* credentials.open(originOf(security))
  const contextOf = (set: Option.Option<CredentialSet>): tls.SecureContextOptions =>
    Option.match(set, {
      onNone: () => GrpcCredentials.contextOptions({}),
      onSome: (set) => serverContext(security, set)
    })
  return {
    tls: { ...contextOf(source.current()), requestCert: true, rejectUnauthorized: true, handshakeTimeout },
    renewals: Stream.map(Stream.drop(source.changes, 1), contextOf)
  }
})
