/**
 * What TLS does at the beginning of a connection, without its ciphers: each side shows its certificate, and judges that of the
 * other by its roots and the time of the world.
 *
 * As with TLS 1.3 the client judges first; whoever refuses closes the connection, and the other one is told no reason.
 */
import { X509Certificate } from "node:crypto"
import type * as tls from "node:tls"
import * as PemText from "../../domain/grpc/PemText.ts"
import type { Socket } from "../../services/simulation/Connection.ts"
import type { ClientCredentials } from "../grpc/GrpcCredentials.ts"
import { Frame } from "./Frame.ts"

/** Of so many texts; a world has fewer at a time, and each of them is shown again and again. */
const knownMax = 256

const known = new Map<string, ReadonlyArray<X509Certificate>>()

const certificatesIn = (pem: string): ReadonlyArray<X509Certificate> => {
  const found = known.get(pem)
  if (found !== undefined) return found
  const made = PemText.blocksOf(pem).map(({ text }) => new X509Certificate(text))
  if (known.size >= knownMax) known.clear()
  known.set(pem, made)
  return made
}

/** What was found of two of them. */
const issued = new WeakMap<X509Certificate, WeakMap<X509Certificate, boolean>>()

const isIssuedBy = (one: X509Certificate, issuer: X509Certificate): boolean => {
  const byIssuer = issued.get(one) ?? new WeakMap<X509Certificate, boolean>()
  issued.set(one, byIssuer)
  const found = byIssuer.get(issuer)
  if (found !== undefined) return found
  const isIssued = one.fingerprint256 === issuer.fingerprint256 ||
    (one.checkIssued(issuer) && one.verify(issuer.publicKey))
  byIssuer.set(issuer, isIssued)
  return isIssued
}

const isTimely = (one: X509Certificate, atMillis: number): boolean =>
  one.validFromDate.getTime() <= atMillis && atMillis < one.validToDate.getTime()

/** Up to a root, each certificate once. */
const isAnchored = (
  one: X509Certificate,
  { atMillis, between, roots }: {
    readonly atMillis: number
    readonly between: ReadonlyArray<X509Certificate>
    readonly roots: ReadonlyArray<X509Certificate>
  }
): boolean =>
  roots.some((root) => isIssuedBy(one, root) && isTimely(root, atMillis)) ||
  between.some((next) =>
    next.ca && isIssuedBy(one, next) && isTimely(next, atMillis) &&
    isAnchored(next, { atMillis, roots, between: between.filter((other) => other !== next) })
  )

/** The first certificate of `pem`, or why it is refused, in the words of OpenSSL. */
export const judge = (pem: string, roots: string, atMillis: number): X509Certificate | string => {
  const [leaf, ...between] = certificatesIn(pem)
  if (leaf === undefined) return "peer did not return a certificate"
  if (!isAnchored(leaf, { atMillis, between, roots: certificatesIn(roots) })) {
    return "unable to get local issuer certificate"
  }
  return isTimely(leaf, atMillis) ? leaf : "certificate has expired"
}

/** When the first of two ends. */
export const overMillis = (one: X509Certificate, other = ""): number =>
  Math.min(...[one, ...certificatesIn(other).slice(0, 1)].map(({ validToDate }) => validToDate.getTime()))

const peers = new WeakMap<X509Certificate, tls.PeerCertificate>()

/** As a socket has it of its peer. */
export const asPeer = (certificate: X509Certificate): tls.PeerCertificate => {
  const found = peers.get(certificate)
  if (found !== undefined) return found
  // boundary: Node gives it the fields of a peer's certificate, and says so nowhere.
  const made = certificate.toLegacyObject() as unknown as tls.PeerCertificate
  peers.set(certificate, made)
  return made
}

export const send = (socket: Socket, body: Frame["body"]): void => {
  const frame = new Frame(0, body)
  socket.send(frame, frame.size)
}

export interface Hands {
  readonly connected: () => void
  readonly failed: (reason: string) => void
}

/** Of the side that dialled `target`. */
export const shake = (
  socket: Socket,
  target: string,
  { atMillis, credentials }: { readonly atMillis: () => number; readonly credentials: ClientCredentials },
  hands: Hands
): void => {
  const security = credentials.forSocket(target)
  let shown: tls.PeerCertificate | undefined
  const refuse = (cause: unknown): void => {
    socket.close()
    security?.told({ cause })
    hands.failed(cause instanceof Error ? cause.message : String(cause))
  }
  const answer = (pem: string): void => {
    const identity = credentials.identity?.()
    const options = security?.present()
    const leaf = judge(pem, identity?.ca ?? "", atMillis())
    if (typeof leaf === "string") throw new Error(leaf)
    shown = asPeer(leaf)
    const error = options?.checkServerIdentity?.(options.servername ?? "", shown)
    if (error !== undefined) throw error
    send(socket, { _tag: "Certificate", pem: identity?.cert ?? "" })
  }
  socket.onClose((reason) => refuse(new Error(reason)))
  socket.onMessage((message) => {
    if (!(message instanceof Frame)) return
    const { body } = message
    try {
      if (body._tag === "Certificate") answer(body.pem)
    } catch (cause) {
      return refuse(cause)
    }
    if (body._tag !== "Ready" || shown === undefined) return
    security?.told({ certificate: shown })
    hands.connected()
  })
  send(socket, { _tag: "Hello" })
}

/** Of the side that was dialled: what has been shown so far. */
export class Shaking {
  readonly #socket: Socket
  readonly #current: () => tls.SecureContextOptions
  readonly #atMillis: () => number
  /** Of this side. */
  own: string | undefined
  peer: X509Certificate | undefined

  constructor(socket: Socket, current: () => tls.SecureContextOptions, atMillis: () => number) {
    this.#socket = socket
    this.#current = current
    this.#atMillis = atMillis
  }

  /** Why the peer is refused, if it is. */
  take(body: Frame["body"]): string | undefined {
    const { ca, cert } = this.#current()
    if (body._tag === "Hello" && typeof cert === "string") {
      this.own = cert
      send(this.#socket, { _tag: "Certificate", pem: cert })
      return undefined
    }
    if (body._tag !== "Certificate" || this.own === undefined) return "no handshake was begun"
    const judged = judge(body.pem, typeof ca === "string" ? ca : "", this.#atMillis())
    if (typeof judged === "string") return judged
    this.peer = judged
    send(this.#socket, { _tag: "Ready" })
    return undefined
  }
}
