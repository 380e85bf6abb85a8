/**
 * Who a certificate names. Read from what Node gives, whose text forms quote whatever could be mistaken for more.
 */
import { Option } from "effect"
import type * as crypto from "node:crypto"
import type { CertificateIdentity } from "../../domain/security/CertificateIdentity.ts"
import * as SpiffeId from "../../domain/security/SpiffeId.ts"

/** The part of Node's object for a peer's certificate that says who it is. */
export interface PeerCertificate {
  readonly subject: { readonly CN?: string | ReadonlyArray<string> | undefined }
  readonly subjectaltname?: string | undefined
}

/** One after the other, so that what stands inside quotes begins nothing. */
const alternativeName = /([A-Za-z0-9 ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy

export interface AlternativeName {
  readonly kind: string
  readonly value: string
}

const unquote = (text: string): string => {
  if (!text.startsWith("\"")) return text
  const value: unknown = JSON.parse(text)
  return typeof value === "string" ? value : text
}

export const alternativeNames = (text: string): ReadonlyArray<AlternativeName> =>
  [...text.matchAll(alternativeName)].map(([, kind = "", value = ""]) => ({ kind, value: unquote(value) }))

/** Exactly one URI, as the SPIFFE specification asks; another certificate has no SPIFFE id. */
const spiffeIdOf = (names: ReadonlyArray<AlternativeName>): Option.Option<SpiffeId.SpiffeId> => {
  const uris = names.filter(({ kind }) => kind === "URI")
  return uris.length === 1 ? SpiffeId.parse(uris[0]?.value ?? "") : Option.none()
}

/** A connection has one certificate object for all its calls. */
const known = new WeakMap<PeerCertificate, CertificateIdentity>()

export const identityOf = (certificate: PeerCertificate): CertificateIdentity => {
  const before = known.get(certificate)
  if (before !== undefined) return before
  const { CN } = certificate.subject
  const identity = {
    // Several common names are nobody's.
    commonName: typeof CN === "string" ? CN : "",
    spiffeId: spiffeIdOf(alternativeNames(certificate.subjectaltname ?? ""))
  }
  known.set(certificate, identity)
  return identity
}

export const identityOfX509 = (certificate: crypto.X509Certificate): CertificateIdentity =>
  identityOf(certificate.toLegacyObject())
