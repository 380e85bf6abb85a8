/**
 * Channel credentials whose certificate is the present one at each new connection.
 */
import * as grpc from "@grpc/grpc-js"
import * as tls from "node:tls"
import type { ConnectionAttempt } from "../grpc/GrpcCredentials.ts"

type CreateConnector = grpc.ChannelCredentials["_createSecureConnector"]
type Connector = ReturnType<CreateConnector>

export interface RotatingChannelOptions {
  /** Fails with an error that says why there is nothing to connect with. */
  readonly present: () => grpc.ChannelCredentials
  /** What is dialled, as `told` names it. */
  readonly target: string
  /** Of each connection on which TLS was begun. */
  readonly told: (attempt: ConnectionAttempt) => void
}

/** What a peer's alert, or the end of the connection, has for a code; all else is our own verdict on its certificate. */
const isOfPeer = (code: unknown): boolean => typeof code === "string" && /^(ERR_SSL_|ECONN|EPIPE|ETIMEDOUT)/.test(code)

/** What became of a connection on which TLS was begun. */
export const attemptOf = (
  address: string,
  outcome: { readonly certificate: tls.PeerCertificate | undefined } | { readonly cause: unknown }
): ConnectionAttempt =>
  "cause" in outcome
    ? { address, certificate: undefined, failure: failureOf(outcome.cause) }
    : { address, certificate: outcome.certificate, failure: undefined }

const failureOf = (cause: unknown): NonNullable<ConnectionAttempt["failure"]> =>
  cause instanceof Error
    ? { reason: cause.message, isOfCertificate: !isOfPeer(Reflect.get(cause, "code")) }
    : { reason: String(cause), isOfCertificate: false }

export class RotatingChannel extends grpc.ChannelCredentials {
  readonly #options: RotatingChannelOptions

  constructor(options: RotatingChannelOptions) {
    super()
    this.#options = options
  }

  override _isSecure(): boolean {
    return true
  }

  override _equals(other: grpc.ChannelCredentials): boolean {
    return this === other
  }

  async #connect(connector: Connector, raw: Parameters<Connector["connect"]>[0]) {
    const { target: address, told } = this.#options
    try {
      const connected = await connector.connect(raw)
      const { socket } = connected
      const certificate = socket instanceof tls.TLSSocket ? socket.getPeerCertificate() : undefined
      told(attemptOf(address, { certificate }))
      return connected
    } catch (cause) {
      told(attemptOf(address, { cause }))
      throw cause
    }
  }

  override _createSecureConnector(...args: Parameters<CreateConnector>): Connector {
    return {
      // grpc-js takes what is thrown here for the reason why there is no connection.
      connect: async (socket) => this.#connect(this.#options.present()._createSecureConnector(...args), socket),
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => args[2] ?? grpc.CallCredentials.createEmpty(),
      destroy: () => {}
    }
  }
}
