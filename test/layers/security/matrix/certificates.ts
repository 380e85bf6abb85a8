/** The certificates that somebody may come with, from none to the right one. */
import { Effect } from "effect"
import type { SecurityEvent } from "../../../../src/domain/security/SecurityEvent.ts"
import * as CertificateAuthority from "../../../../src/layers/security/CertificateAuthority.ts"
import { SecurityMonitor } from "../../../../src/services/security/SecurityMonitor.ts"
import { type Authority, authority, type Issued, validFor } from "../../../support/authority.ts"

export const kinds = [
  "no certificate",
  "self-signed",
  "other CA",
  "expired",
  "not yet valid",
  "unknown identity",
  "without the permission",
  "valid"
] as const
export type Kind = typeof kinds[number]

const day = 86_400_000

/** Names of who is known and may, and of who is known and may not. */
export interface Names {
  readonly valid: string
  readonly withoutPermission: string
}

export const present = (ca: Authority, kind: Kind, { valid, withoutPermission }: Names): Issued | undefined => {
  const subject = { commonName: valid, dnsNames: ["localhost", valid] }
  switch (kind) {
    case "no certificate":
      return undefined
    case "self-signed":
      return selfSigned(valid)
    case "other CA":
      return authority("Other").issue(subject)
    case "expired":
      return ca.issue(subject, validFor(-2 * day, -day))
    case "not yet valid":
      return ca.issue(subject, validFor(day, 2 * day))
    case "unknown identity":
      return ca.issue({ ...subject, commonName: "somebody" })
    case "without the permission":
      return ca.issue({ ...subject, commonName: withoutPermission })
    case "valid":
      return ca.issue(subject)
  }
}

/** Nobody else vouches for it. */
const selfSigned = (commonName: string): Issued => {
  const keys = CertificateAuthority.newKeys()
  const issuer = { name: CertificateAuthority.nameOf(commonName), keys }
  const subject = { commonName, dnsNames: ["localhost", commonName], addresses: ["127.0.0.1"] }
  return {
    cert: CertificateAuthority.issueLeaf(issuer, subject, keys.publicKey, validFor(-day, day)),
    key: CertificateAuthority.keyPem(keys)
  }
}

/** A monitor that also keeps what it is told. */
export const recording = Effect.map(SecurityMonitor, (monitor) => {
  const events: Array<SecurityEvent> = []
  return {
    events,
    monitor: SecurityMonitor.of({
      ...monitor,
      record: (event) => Effect.andThen(Effect.sync(() => void events.push(event)), monitor.record(event))
    })
  }
})

/** Which kinds of events there were, each once. */
export const namesOf = (events: ReadonlyArray<SecurityEvent>): ReadonlyArray<string> =>
  [...new Set(events.map(({ _tag }) => _tag))].toSorted()
