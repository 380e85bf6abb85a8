/**
 * The certificates of a TLS connection as the peer sent them, and which of them is the first to expire: a chain is no
 * better than that one.
 */
import { DateTime, Option } from "effect"
import { TLSSocket } from "node:tls"

export interface Certificate {
  readonly notBefore: DateTime.Utc
  readonly notAfter: DateTime.Utc
  readonly subject: string
  readonly issuer: string
  /** `DNS:example.org, IP Address:192.0.2.1`; empty where it has none. */
  readonly names: string
}

interface Link {
  readonly subject?: Name
  readonly issuer?: Name
  readonly valid_from?: string
  readonly valid_to?: string
  readonly subjectaltname?: string
  readonly fingerprint256?: string
  readonly issuerCertificate?: Link
}

interface Name {
  readonly CN?: string | ReadonlyArray<string>
  readonly O?: string | ReadonlyArray<string>
}

const textOf = (name: Name | undefined): string => [name?.CN ?? name?.O ?? ""].flat().join(", ")

const timeOf = (text: string | undefined): Option.Option<DateTime.Utc> =>
  Option.map(text === undefined ? Option.none() : DateTime.make(text), DateTime.toUtc)

const certificateOf = (link: Link): Option.Option<Certificate> =>
  Option.map(timeOf(link.valid_to), (notAfter) => ({
    notBefore: Option.getOrElse(timeOf(link.valid_from), () => notAfter),
    notAfter,
    subject: textOf(link.subject),
    issuer: textOf(link.issuer),
    names: link.subjectaltname ?? ""
  }))

/** A root is its own issuer; two that issued each other would go round for ever. */
const linksOf = (leaf: Link): ReadonlyArray<Link> => {
  const seen = new Set<string>()
  const links: Array<Link> = []
  let link: Link | undefined = leaf
  while (link?.fingerprint256 !== undefined && !seen.has(link.fingerprint256)) {
    seen.add(link.fingerprint256)
    links.push(link)
    link = link.issuerCertificate
  }
  return links
}

/** Beginning with the server's own; none of a connection without TLS. Those after the first may be missing or wrong. */
export const of = (socket: unknown): ReadonlyArray<Certificate> =>
  socket instanceof TLSSocket
    ? linksOf(socket.getPeerCertificate(true)).flatMap((link) => Option.toArray(certificateOf(link)))
    : []

export const firstToExpire = (chain: ReadonlyArray<Certificate>): Option.Option<Certificate> => {
  const [first] = chain.toSorted((left, right) => left.notAfter.epochMilliseconds - right.notAfter.epochMilliseconds)
  return Option.fromNullishOr(first)
}

/** Whole days, rounded down: negative once it has expired. */
export const daysLeft = ({ notAfter }: Certificate, nowMillis: number): number =>
  Math.floor((notAfter.epochMilliseconds - nowMillis) / 86_400_000)
