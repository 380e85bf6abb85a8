/**
 * The certificates of a TLS connection, and which of them is the first to expire: a chain is no better than that one.
 */
import { DateTime, Option } from "effect"
import { TLSSocket } from "node:tls"

export interface Certificate {
  readonly notAfter: DateTime.Utc
  readonly subject: string
  readonly issuer: string
}

interface Link {
  readonly subject?: Name
  readonly issuer?: Name
  readonly valid_to?: string
  readonly fingerprint256?: string
  readonly issuerCertificate?: Link
}

interface Name {
  readonly CN?: string | ReadonlyArray<string>
  readonly O?: string | ReadonlyArray<string>
}

const textOf = (name: Name | undefined): string => [name?.CN ?? name?.O ?? ""].flat().join(", ")

const certificateOf = (link: Link): Option.Option<Certificate> =>
  Option.map(link.valid_to === undefined ? Option.none() : DateTime.make(link.valid_to), (notAfter) => ({
    notAfter: DateTime.toUtc(notAfter),
    subject: textOf(link.subject),
    issuer: textOf(link.issuer)
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

/** None of a connection without TLS. */
export const firstToExpire = (socket: unknown): Option.Option<Certificate> => {
  if (!(socket instanceof TLSSocket)) return Option.none()
  const links = linksOf(socket.getPeerCertificate(true)).flatMap((link) => Option.toArray(certificateOf(link)))
  const [first] = links.toSorted((left, right) => left.notAfter.epochMilliseconds - right.notAfter.epochMilliseconds)
  return Option.fromNullishOr(first)
}
