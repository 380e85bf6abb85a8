/**
 * How connections are secured: not at all, or by certificates on both sides with TLS 1.3 or newer.
 *
 * Roots are those given, never the system's: a peer must be ours, not merely known to somebody.
 */
import * as grpc from "@grpc/grpc-js"
import { Effect, Schema } from "effect"
import * as net from "node:net"
import * as tls from "node:tls"

/** What is wrong with certificate, key or roots, in OpenSSL's words. */
export class InvalidCertificate extends Schema.TaggedError<InvalidCertificate>()("InvalidCertificate", {
  reason: Schema.String
}) {
  override get message(): string {
    return `TLS certificate, key or roots: ${this.reason}`
  }
}

/** Goes into `GrpcChannel.ChannelOptions`; what must be verified depends on the target. */
export interface ClientCredentials {
  readonly forTarget: (target: string) => {
    readonly channel: grpc.ChannelCredentials
    readonly options: grpc.ChannelOptions
  }
}

/** PEM texts: our chain, its key, and the roots that must verify the peer. */
export interface Pems {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

export interface MutualClientOptions extends Pems {
  /** The name that the server's certificate must bear. Default: the host of the target. */
  readonly serverName?: string | undefined
}

const tlsVersionMin = "TLSv1.3"

/** The settings of TLS that both sides share. */
export const contextOptions = (pems: Pems): tls.SecureContextOptions => ({ ...pems, minVersion: tlsVersionMin })

export const plainClient: ClientCredentials = {
  forTarget: () => ({ channel: grpc.credentials.createInsecure(), options: {} })
}

export const plainServer = (): grpc.ServerCredentials => grpc.ServerCredentials.createInsecure()

/** TLS forbids an address as the name a client announces; grpc-js must announce some name, so one that is nobody's. */
const nameOfAddress = "address.invalid"

const hostOf = (target: string): string => /^\[?(.+?)\]?:\d+$/.exec(target)?.[1] ?? target

/** For dialling with a context that was made from `contextOptions`. */
export const ofSecureContext = (context: tls.SecureContext, serverName?: string): ClientCredentials => ({
  forTarget: (target) => {
    const expected = serverName ?? hostOf(target)
    return {
      channel: grpc.credentials.createFromSecureContext(context, {
        checkServerIdentity: (_, certificate) => tls.checkServerIdentity(expected, certificate)
      }),
      options: {
        ...(serverName === undefined ? {} : { "grpc.default_authority": serverName }),
        "grpc.ssl_target_name_override": net.isIP(expected) === 0 ? expected : nameOfAddress
      }
    }
  }
})

const checked = (pems: Pems): Effect.Effect<tls.SecureContext, InvalidCertificate> =>
  Effect.try({
    try: () => tls.createSecureContext(contextOptions(pems)),
    catch: (cause) => new InvalidCertificate({ reason: cause instanceof Error ? cause.message : String(cause) })
  })

/** For dialling: presents our certificate and verifies the server's against `ca` and its name. */
export const mutualClient = Effect.fn("GrpcCredentials.mutualClient")(
  ({ serverName, ...pems }: MutualClientOptions): Effect.Effect<ClientCredentials, InvalidCertificate> =>
    Effect.map(checked(pems), (context) => ofSecureContext(context, serverName))
)

/** grpc-js's own TLS credentials have no way to say the minimum version. */
class MutualTls extends grpc.ServerCredentials {
  constructor(context: tls.SecureContextOptions) {
    super({ requestCert: true, rejectUnauthorized: true }, context)
  }

  override _equals(other: grpc.ServerCredentials): boolean {
    return this === other
  }
}

/** For listening: a client must present a certificate that `ca` verifies. */
export const mutualServer = Effect.fn("GrpcCredentials.mutualServer")(
  (pems: Pems): Effect.Effect<grpc.ServerCredentials, InvalidCertificate> =>
    Effect.map(checked(pems), () => new MutualTls(contextOptions(pems)))
)
