/**
 * Who we are to NATS, and how the connection is secured.
 *
 * Of several ways one counts: a credentials file, else an nkey seed (with its JWT, if there is one), else user and
 * password, else a token, else what the address names, else nothing. A JWT without a seed is an error. Files are read
 * for each attempt to connect, so that renewed ones are used without a restart; certificates ask for TLS 1.3, as the
 * other services do.
 */
import {
  type Authenticator,
  credsAuthenticator,
  jwtAuthenticator,
  nkeyAuthenticator,
  type NodeConnectionOptions,
  type TlsOptions,
  tokenAuthenticator,
  usernamePasswordAuthenticator
} from "@nats-io/transport-node"
import { Effect, FileSystem, Option, Redacted, Schema, Stream } from "effect"
import * as net from "node:net"
import * as tls from "node:tls"
import type { NatsCredentials as NatsLogin, NatsSettings } from "../../../domain/events/settings/NatsSettings.ts"
import type { SecurityConfig, Spiffe } from "../../../domain/security/SecurityConfig.ts"
import * as ConnectionSecurity from "../../../services/security/ConnectionSecurity.ts"
import {
  type CredentialOrigin,
  Credentials,
  type CredentialsError,
  type CredentialSet
} from "../../../services/security/Credentials.ts"
import { systemText } from "../../process/SystemText.ts"
import * as PeerRules from "../../security/PeerRules.ts"
import type { NatsAddress, UrlLogin } from "./NatsAddress.ts"

export class NatsCredentialsError extends Schema.TaggedError<NatsCredentialsError>()("NatsCredentialsError", {
  /** Empty when it is about a value that is in no file. */
  file: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return this.file === "" ? `NATS credentials: ${this.reason}` : `NATS credentials, ${this.file}: ${this.reason}`
  }
}

export interface NatsTls {
  /** Roots that the server's certificate is verified against; the system's without one. */
  readonly caFile?: string | undefined
  /** Certificate and key go together; with them TLS 1.3 is the least. */
  readonly certFile?: string | undefined
  readonly keyFile?: string | undefined
  /** The name in the server's certificate, when it is not the host of the address. */
  readonly serverName?: string | undefined
  /** In place of all that: certificates from a Workload API, and a server that is known by its SPIFFE id. */
  readonly workload?: Spiffe | undefined
}

export interface NatsCredentialsOptions {
  readonly credsFile?: string | undefined
  readonly nkeySeed?: Redacted.Redacted | undefined
  readonly nkeySeedFile?: string | undefined
  readonly jwt?: Redacted.Redacted | undefined
  readonly user?: string | undefined
  readonly password?: Redacted.Redacted | undefined
  readonly token?: Redacted.Redacted | undefined
  /** TLS is used whenever the server has it; with this, never without. */
  readonly tls?: NatsTls | undefined
}

/** What a configuration says about it. */
export const ofSettings = ({ credentials, security }: NatsSettings): NatsCredentialsOptions => ({
  ...whoWeAre(credentials),
  ...tlsOfSettings(security)
})

const tlsOfSettings = (security: SecurityConfig): Pick<NatsCredentialsOptions, "tls"> => {
  switch (security._tag) {
    case "None":
      return {}
    case "Spiffe":
      return { tls: { workload: security } }
    case "Mtls": {
      const { caFile, certFile, keyFile, serverName } = security
      return { tls: { caFile, certFile, keyFile, serverName: Option.getOrUndefined(serverName) } }
    }
  }
}

const whoWeAre = (credentials: NatsLogin): NatsCredentialsOptions => {
  switch (credentials._tag) {
    case "CredsFile":
      return { credsFile: credentials.path }
    case "Nkey":
      return { nkeySeed: credentials.seed, jwt: Option.getOrUndefined(credentials.jwt) }
    case "User":
      return { user: credentials.user, password: credentials.password }
    case "None":
      return {}
  }
}

const read = Effect.fnUntraced(function*(file: string) {
  const fileSystem = yield* FileSystem.FileSystem
  return yield* fileSystem.readFileString(file).pipe(
    Effect.mapError((error) => new NatsCredentialsError({ file, reason: `cannot be read: ${systemText(error)}` }))
  )
})

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Signs something once, so that what is malformed is found here, with the name of its file. */
const proven = (file: string, what: string, authenticator: Authenticator) =>
  Effect.try({
    try: () => authenticator("nonce"),
    catch: () => new NatsCredentialsError({ file, reason: `holds no valid ${what}` })
  }).pipe(Effect.as(authenticator))

const seedOf = Effect.fnUntraced(function*(options: NatsCredentialsOptions) {
  if (options.nkeySeed !== undefined) return { file: "", seed: Redacted.value(options.nkeySeed) }
  if (options.nkeySeedFile === undefined) return undefined
  return { file: options.nkeySeedFile, seed: yield* read(options.nkeySeedFile) }
})

const ofLogin = (login: UrlLogin): Authenticator =>
  login._tag === "Token"
    ? tokenAuthenticator(Redacted.value(login.token))
    : usernamePasswordAuthenticator(login.user, Redacted.value(login.password))

const authenticatorOf = Effect.fnUntraced(function*(options: NatsCredentialsOptions, login: Option.Option<UrlLogin>) {
  const { credsFile, jwt, password, token, user } = options
  if (credsFile !== undefined) {
    const creds = bytes(yield* read(credsFile))
    return Option.some(yield* proven(credsFile, "JWT and nkey seed", credsAuthenticator(creds)))
  }
  const found = yield* seedOf(options)
  if (found !== undefined) {
    const seed = bytes(found.seed.trim())
    const authenticator = jwt === undefined
      ? nkeyAuthenticator(seed)
      : jwtAuthenticator(Redacted.value(jwt).trim(), seed)
    return Option.some(yield* proven(found.file, "nkey seed", authenticator))
  }
  if (jwt !== undefined) {
    return yield* new NatsCredentialsError({ file: "", reason: "a JWT needs the nkey seed that belongs to it" })
  }
  if (user !== undefined) {
    return Option.some(usernamePasswordAuthenticator(user, password === undefined ? "" : Redacted.value(password)))
  }
  if (token !== undefined) return Option.some(tokenAuthenticator(Redacted.value(token)))
  return Option.map(login, ofLogin)
})

const asOurs = Effect.mapError(({ file, reason }: CredentialsError) => new NatsCredentialsError({ file, reason }))

/** The client names no server to TLS that is known by its address alone, and Node then expects `localhost`. */
const verifyAddresses = (servers: ReadonlyArray<string>): Pick<tls.ConnectionOptions, "checkServerIdentity"> => {
  const addresses = servers.map((server) => server.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1")).filter(net.isIP)
  if (addresses.length === 0) return {}
  return {
    checkServerIdentity: (name, certificate) =>
      [name, ...addresses].some((one) => tls.checkServerIdentity(one, certificate) === undefined)
        ? undefined
        : tls.checkServerIdentity(addresses[0] ?? name, certificate)
  }
}

/** Renewed while the program runs: a certificate, its key and the roots that go with them, if there are any. */
const originOf = ({ caFile, certFile, keyFile, workload }: NatsTls): CredentialOrigin | undefined => {
  if (workload !== undefined) return ConnectionSecurity.originOf(workload)
  if (certFile === undefined || keyFile === undefined) return undefined
  return { _tag: "Files", files: { caFile, certFile, keyFile, clientCaFile: caFile }, isSvid: false, isRooted: false }
}

type ConnectionTls =
  & TlsOptions
  & Pick<tls.ConnectionOptions, "servername" | "minVersion" | "checkServerIdentity">

const named = ({ serverName }: NatsTls, servers: ReadonlyArray<string>): ConnectionTls =>
  serverName === undefined ? verifyAddresses(servers) : { servername: serverName }

const ofSet = (options: NatsTls, servers: ReadonlyArray<string>, set: CredentialSet): ConnectionTls => {
  const { workload } = options
  return {
    ...named(options, servers),
    ...(set.serverRoots === "" ? {} : { ca: set.serverRoots }),
    cert: set.cert,
    key: Redacted.value(set.key),
    minVersion: "TLSv1.3",
    ...(workload === undefined ? {} : {
      checkServerIdentity: (_: string, certificate: tls.PeerCertificate) =>
        Option.getOrUndefined(
          Option.map(PeerRules.spiffeServer(certificate, workload, set), (reason) => new Error(reason))
        )
    })
  }
}

/** The system's roots or others, and no certificate of ours. */
const ofRoots = Effect.fnUntraced(function*(options: NatsTls, servers: ReadonlyArray<string>) {
  const { caFile, certFile, keyFile } = options
  if (certFile !== undefined || keyFile !== undefined) {
    return yield* new NatsCredentialsError({
      file: certFile ?? keyFile ?? "",
      reason: "a certificate and its key go together, but only one of them is named"
    })
  }
  const found = named(options, servers)
  if (caFile === undefined) return { tls: found, renewals: Stream.never }
  const credentials = yield* Credentials
  const { current, renewals } = yield* asOurs(credentials.openRoots(caFile))
  return { tls: { ...found, ca: current() }, renewals }
})

const tlsOf = Effect.fnUntraced(function*(options: NatsTls, servers: ReadonlyArray<string>) {
  const origin = originOf(options)
  if (origin === undefined) return yield* ofRoots(options, servers)
  const credentials = yield* Credentials
  const source = yield* asOurs(credentials.open(origin))
  const set = source.current()
  if (Option.isNone(set)) return yield* new NatsCredentialsError({ file: "", reason: source.trouble() })
  return { tls: ofSet(options, servers, set.value), renewals: Stream.drop(source.changes, 1) }
})

export interface LoadedCredentials {
  /** The part of the connection's options that says who we are. */
  readonly options: NodeConnectionOptions
  /** Our certificate or the roots were replaced. */
  readonly renewals: Stream.Stream<unknown>
}

/** For one connection, whose scope it needs: renewals are told of as long as that is open. */
export const load = Effect.fn("NatsCredentials.load")(function*(
  options: NatsCredentialsOptions,
  address: Pick<NatsAddress, "isTls" | "login"> & Partial<Pick<NatsAddress, "servers">>
) {
  const authenticator = yield* authenticatorOf(options, address.login)
  const secured = options.tls !== undefined || address.isTls
    ? yield* tlsOf(options.tls ?? {}, address.servers ?? [])
    : undefined
  return {
    options: {
      ...(Option.isSome(authenticator) ? { authenticator: authenticator.value } : {}),
      ...(secured === undefined ? {} : { tls: secured.tls })
    },
    renewals: secured?.renewals ?? Stream.never
  } satisfies LoadedCredentials
})
