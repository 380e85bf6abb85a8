/**
 * Whether a peer that TLS has verified is the one that is wanted: by its SPIFFE id where it has one, and by the allow list.
 */
import { Option, Result } from "effect"
import * as crypto from "node:crypto"
import type * as tls from "node:tls"
import * as CertificateIdentity from "../../domain/security/CertificateIdentity.ts"
import type { Mtls, PeerRules, Spiffe } from "../../domain/security/SecurityConfig.ts"
import * as SpiffeId from "../../domain/security/SpiffeId.ts"
import type { CredentialSet } from "../../services/security/Credentials.ts"
import * as CertificateSet from "./CertificateSet.ts"
import * as PeerCertificate from "./PeerCertificate.ts"

/** Why the peer is not let in. */
export type Refusal = Option.Option<string>

const accepted: Refusal = Option.none()

export const onAllowList = (
  identity: CertificateIdentity.CertificateIdentity,
  { allowedNames }: PeerRules
): Refusal => {
  const name = CertificateIdentity.nameOf(identity)
  return Option.isNone(allowedNames) || allowedNames.value.has(name)
    ? accepted
    : Option.some(`${name} is not one of the allowed_common_names`)
}

export const certificate = (peer: tls.PeerCertificate, rules: PeerRules): Refusal =>
  onAllowList(PeerCertificate.identityOf(peer), rules)

/** The server that was asked for, else a member of the trust domain, else whoever has an id. */
const isWanted = (
  id: SpiffeId.SpiffeId,
  { serverId, trustDomain }: Pick<Spiffe, "serverId" | "trustDomain">
): Refusal => {
  const found = SpiffeId.format(id)
  if (Option.isSome(serverId)) {
    return SpiffeId.equals(id, serverId.value)
      ? accepted
      : Option.some(`the peer is ${found}, expected ${SpiffeId.format(serverId.value)}`)
  }
  return Option.isNone(trustDomain) || trustDomain.value === id.trustDomain
    ? accepted
    : Option.some(`the peer ${found} is not of the trust domain ${trustDomain.value}`)
}

/** The last certificate of the chain that TLS built; it names itself as its issuer. */
const rootOf = (certificate: tls.DetailedPeerCertificate): tls.DetailedPeerCertificate => {
  let last = certificate
  for (let depth = 0; depth < 10; depth++) {
    const next: tls.DetailedPeerCertificate | undefined = last.issuerCertificate
    if (next === undefined || next.fingerprint256 === last.fingerprint256) return last
    last = next
  }
  return last
}

/** A root of one trust domain must not vouch for an id of another. */
const isOfItsDomain = (
  certificate: tls.DetailedPeerCertificate,
  id: SpiffeId.SpiffeId,
  bundles: ReadonlyMap<string, string>
): boolean => {
  const roots = CertificateSet.certificates({ file: id.trustDomain, text: bundles.get(id.trustDomain) ?? "" })
  if (Result.isFailure(roots)) return false
  const root = new crypto.X509Certificate(rootOf(certificate).raw)
  return Option.isSome(CertificateSet.chainTo([root], roots.success))
}

const hasIssuer = (certificate: tls.PeerCertificate): certificate is tls.DetailedPeerCertificate =>
  "issuerCertificate" in certificate

/** For the side that dials. */
export const spiffeServer = (certificate: tls.PeerCertificate, security: Spiffe, set: CredentialSet): Refusal => {
  const identity = PeerCertificate.identityOf(certificate)
  if (Option.isNone(identity.spiffeId) || certificate.ca) return Option.some("the peer's certificate is no SVID")
  const id = identity.spiffeId.value
  const unwanted = isWanted(id, security)
  if (Option.isSome(unwanted)) return unwanted
  const bundles = Option.getOrElse(set.bundles, () => new Map<string, string>())
  if (!hasIssuer(certificate) || !isOfItsDomain(certificate, id, bundles)) {
    return Option.some(`the certificate of ${SpiffeId.format(id)} does not chain to its own trust domain`)
  }
  return onAllowList(identity, security.peers)
}

/** The domain that clients must be of: TLS verifies them against its bundle alone, so a member is all there can be. */
export const clientDomain = (security: Spiffe, set: CredentialSet): Option.Option<string> =>
  Option.orElse(security.trustDomain, () => Option.map(set.identity.spiffeId, (id) => id.trustDomain))

/** What verifies clients: in mode `spiffe` the bundle of one trust domain. PEM. */
export const rootsOfClients = (security: Mtls | Spiffe, set: CredentialSet): string => {
  const domain = security._tag === "Spiffe" ? clientDomain(security, set) : Option.none()
  const bundle = Option.flatMap(
    Option.all([domain, set.bundles]),
    ([name, bundles]) => Option.fromUndefinedOr(bundles.get(name))
  )
  return Option.getOrElse(bundle, () => set.clientRoots)
}

/** For the side that listens; `domain` is the one whose bundle verified the client. */
export const client = (
  identity: CertificateIdentity.CertificateIdentity,
  rules: PeerRules,
  domain: Option.Option<string>
): Refusal => {
  if (Option.isSome(domain) && !Option.exists(identity.spiffeId, (id) => id.trustDomain === domain.value)) {
    return Option.some(`the peer is not of the trust domain ${domain.value}`)
  }
  return onAllowList(identity, rules)
}
