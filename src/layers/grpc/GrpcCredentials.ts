/**
 * How connections are secured: not at all, or by certificates on both sides with TLS 1.3 or newer.
 *
 * Files are read once; a certificate and a key that do not belong together are found here and not at the first call.
 * Roots are `ca_file` alone, never the system's: a peer must be ours, not merely known to somebody.
 */
import * as grpc from "@grpc/grpc-js"
import { Effect, FileSystem, Option, Schema } from "effect"
import * as tls from "node:tls"
import type { SecurityConfig } from "../../domain/monitoring/SecurityConfig.ts"

export class CredentialsError extends Schema.TaggedError<CredentialsError>()("CredentialsError", {
  file: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `TLS file ${this.file}: ${this.reason}`
  }
}

/** Goes into `GrpcChannel.ChannelOptions`. */
export interface ClientCredentials {
  readonly channel: grpc.ChannelCredentials
  readonly options: grpc.ChannelOptions
}

type Mtls = Extract<SecurityConfig, { _tag: "Mtls" }>

const tlsVersionMin = "TLSv1.3"

const readPem = Effect.fnUntraced(function*(file: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const text = yield* fileSystem.readFileString(file).pipe(
    Effect.mapError((error) => new CredentialsError({ file, reason: `cannot be read: ${error.reason._tag}` }))
  )
  if (/-----BEGIN [A-Z0-9 ]+-----/.test(text)) return text
  return yield* new CredentialsError({ file, reason: "holds no PEM block" })
})

/** Fails as TLS itself would, but with the name of the file. */
const check = (file: string, options: tls.SecureContextOptions) =>
  Effect.try({
    try: () => tls.createSecureContext(options),
    catch: (cause) => new CredentialsError({ file, reason: cause instanceof Error ? cause.message : String(cause) })
  })

const load = Effect.fnUntraced(function*(security: Mtls, caFile: string) {
  const cert = yield* readPem(security.certFile)
  const key = yield* readPem(security.keyFile)
  const ca = yield* readPem(caFile)
  yield* check(security.certFile, { cert })
  yield* check(caFile, { ca })
  yield* check(security.keyFile, { cert, key })
  return { cert, key, ca, minVersion: tlsVersionMin } as const
})

const plainClient = (): ClientCredentials => ({ channel: grpc.credentials.createInsecure(), options: {} })

const nameOptions = (serverName: Option.Option<string>): grpc.ChannelOptions =>
  Option.match(serverName, {
    onNone: () => ({}),
    onSome: (name) => ({ "grpc.ssl_target_name_override": name, "grpc.default_authority": name })
  })

/** For dialling: presents our certificate and verifies the server's against `caFile` and its name. */
export const client = Effect.fn("GrpcCredentials.client")(function*(security: SecurityConfig) {
  if (security._tag === "None") return plainClient()
  const context = yield* check(security.certFile, yield* load(security, security.caFile))
  return {
    channel: grpc.credentials.createFromSecureContext(context),
    options: nameOptions(security.serverName)
  } satisfies ClientCredentials
})

/** grpc-js's own TLS credentials have no way to say the minimum version. */
class MutualTls extends grpc.ServerCredentials {
  constructor(context: tls.SecureContextOptions) {
    super({ requestCert: true, rejectUnauthorized: true }, context)
  }

  override _equals(other: grpc.ServerCredentials): boolean {
    return this === other
  }
}

/** For listening: a client must present a certificate that `clientCaFile` verifies. */
export const server = Effect.fn("GrpcCredentials.server")(function*(security: SecurityConfig) {
  if (security._tag === "None") return grpc.ServerCredentials.createInsecure()
  return new MutualTls(yield* load(security, security.clientCaFile))
})
