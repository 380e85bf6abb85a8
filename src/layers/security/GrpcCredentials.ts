/**
 * How connections are secured: not at all, or by certificates on both sides with TLS 1.3 or newer.
 *
 * Files are read once; a certificate and a key that do not belong together are found here and not at the first call.
 * Roots are `ca_file` alone, never the system's: a peer must be ours, not merely known to somebody.
 */
import * as grpc from "@grpc/grpc-js"
import { Effect, Option } from "effect"
import * as net from "node:net"
import * as tls from "node:tls"
import type { SecurityConfig } from "../../domain/security/SecurityConfig.ts"
import * as TlsFiles from "./TlsFiles.ts"

export { CredentialsError } from "./TlsFiles.ts"

/** Goes into `GrpcChannel.ChannelOptions`; what must be verified depends on the target. */
export interface ClientCredentials {
  readonly forTarget: (target: string) => {
    readonly channel: grpc.ChannelCredentials
    readonly options: grpc.ChannelOptions
  }
}

type Mtls = Extract<SecurityConfig, { _tag: "Mtls" }>

const tlsVersionMin = "TLSv1.3"

const load = ({ certFile, keyFile }: Mtls, caFile: string) =>
  Effect.map(TlsFiles.load({ certFile, keyFile, caFile }), (pems) => ({ ...pems, minVersion: tlsVersionMin } as const))

const plainClient: ClientCredentials = {
  forTarget: () => ({ channel: grpc.credentials.createInsecure(), options: {} })
}

/** TLS forbids an address as the name a client announces; grpc-js must announce some name, so one that is nobody's. */
const nameOfAddress = "address.invalid"

const hostOf = (target: string): string => /^\[?(.+?)\]?:\d+$/.exec(target)?.[1] ?? target

/** For dialling: presents our certificate and verifies the server's against `caFile` and its name. */
export const client = Effect.fn("GrpcCredentials.client")(function*(security: SecurityConfig) {
  if (security._tag === "None") return plainClient
  const secureContext = yield* TlsFiles.check(security.certFile, yield* load(security, security.caFile))
  const authority = Option.match(security.serverName, {
    onNone: () => ({}),
    onSome: (name) => ({ "grpc.default_authority": name })
  })
  const credentials: ClientCredentials = {
    forTarget: (target) => {
      const expected = Option.getOrElse(security.serverName, () => hostOf(target))
      return {
        channel: grpc.credentials.createFromSecureContext(secureContext, {
          checkServerIdentity: (_, certificate) => tls.checkServerIdentity(expected, certificate)
        }),
        options: {
          ...authority,
          "grpc.ssl_target_name_override": net.isIP(expected) === 0 ? expected : nameOfAddress
        }
      }
    }
  }
  return credentials
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
