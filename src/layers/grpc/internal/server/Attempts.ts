/**
 * What became of each client that came to a TLS server. Node closes a connection whose certificate does not verify without
 * a word; why is only on the socket.
 */
import type * as http2 from "node:http2"
import * as net from "node:net"
import * as tls from "node:tls"
import type { ConnectionAttempt } from "../../GrpcCredentials.ts"
import { peerOf } from "./PeerAddress.ts"

/** The closed TLS socket does not know its address any more, the one below it does. */
const addressOf = (socket: tls.TLSSocket): string => {
  const below: unknown = Reflect.get(socket, "_parent")
  const raw = below instanceof net.Socket ? below : socket
  return peerOf(raw.remoteAddress, raw.remotePort)
}

const certificateOf = (socket: tls.TLSSocket): tls.PeerCertificate | undefined => {
  // Null once the connection is gone, whatever the types say.
  const certificate: tls.PeerCertificate | null = socket.getPeerCertificate()
  return certificate === null || Object.keys(certificate).length === 0 ? undefined : certificate
}

/** Node's code for what is wrong with the certificate, whose type says that it is an error. */
const failureOf = (socket: tls.TLSSocket, error: Error): NonNullable<ConnectionAttempt["failure"]> => {
  const unauthorized: unknown = socket.authorizationError
  return typeof unauthorized === "string"
    ? { reason: unauthorized, isOfCertificate: true }
    : { reason: error.message, isOfCertificate: /certificate/i.test(error.message) }
}

export const watch = (
  server: http2.Http2Server | http2.Http2SecureServer,
  told: (attempt: ConnectionAttempt) => void
): void => {
  server.on("session", (session: http2.ServerHttp2Session) => {
    const { socket } = session
    if (!(socket instanceof tls.TLSSocket)) return
    const address = peerOf(socket.remoteAddress, socket.remotePort)
    told({ address, certificate: certificateOf(socket), failure: undefined })
  })
  server.on("tlsClientError", (error: Error, socket: tls.TLSSocket) => {
    const failure = failureOf(socket, error)
    // It went away itself, as whoever only looks whether the port is open does.
    if (!failure.isOfCertificate && Reflect.get(error, "code") === "ECONNRESET") return
    told({ address: addressOf(socket), certificate: certificateOf(socket), failure })
  })
}

/** Of one with which TLS was not even begun. */
export const turnedAway = (
  { remoteAddress, remotePort }: net.Socket,
  told: (attempt: ConnectionAttempt) => void
): void =>
  told({
    address: peerOf(remoteAddress, remotePort),
    certificate: undefined,
    failure: { reason: "too many others wanted to come to terms at the same time", isOfCertificate: false }
  })
