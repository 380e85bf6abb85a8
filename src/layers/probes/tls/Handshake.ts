/** A TLS handshake on an open connection; whether the certificate may be trusted is told and not decided. */
import { Effect, type Scope } from "effect"
import * as net from "node:net"
import * as tls from "node:tls"
import { StepFailed } from "../CheckSteps.ts"
import * as Reason from "../Reason.ts"

export interface HandshakeOptions {
  /** A name or an address; the certificate must be for it. */
  readonly host: string
  /** PEM; the system's authorities without it. */
  readonly ca?: string | undefined
  readonly alpn?: ReadonlyArray<string> | undefined
  readonly minVersion?: tls.SecureVersion | undefined
}

export interface Handshake {
  readonly socket: tls.TLSSocket
  /** Why the certificate cannot be trusted; undefined when it can. */
  readonly distrust: string | undefined
}

/** The final dot of a name belongs to the resolver alone; certificates and servers know none. */
export const serverNameOf = (host: string): string => net.isIP(host) > 0 ? "" : host.replace(/\.$/, "")

const distrustOf = (socket: tls.TLSSocket): string | undefined => {
  if (socket.authorized) return undefined
  // An error or, as Node has it, its code alone.
  const found: unknown = socket.authorizationError
  const code = found instanceof Error && "code" in found ? found.code : found
  return Reason.describe({
    code: typeof code === "string" ? code : "CERT_UNTRUSTED",
    cert: socket.getPeerCertificate()
  })
}

export const make = (
  plain: net.Socket,
  { alpn, ca, host, minVersion }: HandshakeOptions
): Effect.Effect<Handshake, StepFailed, Scope.Scope> =>
  Effect.callback((resume) => {
    const servername = serverNameOf(host)
    const socket = tls.connect({
      socket: plain,
      host: servername === "" ? host : servername,
      servername,
      rejectUnauthorized: false,
      ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
      ...(ca === undefined ? {} : { ca }),
      ...(minVersion === undefined ? {} : { minVersion }),
      // OpenSSL's own level keeps it from speaking what is older.
      ...(minVersion === "TLSv1" || minVersion === "TLSv1.1" ? { ciphers: "DEFAULT@SECLEVEL=0" } : {})
    })
    // Stays: an error after the handshake must not be unhandled.
    socket.on("error", (error) => resume(Effect.fail(new StepFailed({ reason: Reason.describe(error) }))))
    socket.once("close", () =>
      resume(Effect.fail(new StepFailed({ reason: "the server closed the connection during the handshake" }))))
    socket.once("secureConnect", () =>
      resume(Effect.succeed({ socket, distrust: distrustOf(socket) })))
    return Effect.sync(() => socket.destroy())
  })
