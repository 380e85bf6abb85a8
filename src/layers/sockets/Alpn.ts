/**
 * The protocol of a connection over TLS, chosen from those that a client offers, as Node chooses from `ALPNProtocols`.
 *
 * It is also the first moment at which a connection of a server is seen, which is used to keep Node from losing memory:
 * once the handshake is done, Node 24 asks for a handle on the client's certificate to see that there is one, and what it
 * is given is never freed (5 KB for each connection with a client certificate, seen with 24.21.0). Here it is given
 * an answer that costs nothing.
 */
import * as tls from "node:tls"

interface Offered {
  readonly protocols: ReadonlyArray<string>
}

const hasCertificate = (socket: tls.TLSSocket): boolean => {
  const certificate: tls.PeerCertificate | null = socket.getPeerCertificate()
  return certificate !== null && Object.keys(certificate).length > 0
}

const asked = "getPeerX509Certificate"

const keepMemory = (socket: tls.TLSSocket): void => {
  const handle: unknown = Reflect.get(socket, "_handle")
  if (typeof handle !== "object" || handle === null || typeof Reflect.get(handle, asked) !== "function") return
  Reflect.set(handle, asked, () => hasCertificate(socket))
}

/** For `ALPNCallback`; Node calls it as a method of the connection. A client that offers none of these is refused. */
export const choose = (protocols: ReadonlyArray<string>) =>
  function(this: unknown, offered: Offered): string | undefined {
    if (this instanceof tls.TLSSocket) keepMemory(this)
    return protocols.find((one) => offered.protocols.includes(one))
  }
