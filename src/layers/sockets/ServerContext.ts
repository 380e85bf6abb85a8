/**
 * The certificates that a TLS server uses for connections from now on.
 *
 * Node's TLS server makes its context from some of the options: `allowPartialTrustChain`, with which an intermediate
 * alone is an anchor, is not among them. So the context is made here, and put where the server looks for it.
 */
import type * as net from "node:net"
import * as tls from "node:tls"

/** Throws what OpenSSL says of the options; the context of before then stays. */
export const use = (server: net.Server, options: tls.SecureContextOptions): void => {
  Reflect.set(server, "_sharedCreds", tls.createSecureContext(options))
}
