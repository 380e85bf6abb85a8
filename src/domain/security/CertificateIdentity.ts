/**
 * Who a peer is, by the certificate that it presented and TLS verified.
 *
 * A certificate with a SPIFFE id is known by that; its common name, if it has one, says nothing. The identity has no
 * permissions of its own, see `Role`.
 */
import { Option } from "effect"
import * as SpiffeId from "./SpiffeId.ts"

export interface CertificateIdentity {
  /** `poller.serviceradar`; empty when the subject has none. */
  readonly commonName: string
  /** Exactly one in a certificate that is valid for SPIFFE. */
  readonly spiffeId: Option.Option<SpiffeId.SpiffeId>
}

/** What an allow list holds, and what a person reads. */
export const nameOf = (identity: CertificateIdentity): string =>
  Option.match(identity.spiffeId, {
    onNone: () => identity.commonName,
    onSome: SpiffeId.format
  })

const lastSegment = (path: string): string => path.slice(path.lastIndexOf("/") + 1)

/**
 * The service that the identity names, such as `poller`: of the common name `poller.serviceradar`, or `edge-7.poller.serviceradar`
 * where it is one of several, and of the last segment of a SPIFFE id (`/services/poller`, `/ns/demo/sa/serviceradar-poller`).
 */
export const serviceOf = (identity: CertificateIdentity): Option.Option<string> => {
  const service = Option.match(identity.spiffeId, {
    onNone: () => /^(?:[a-z0-9-]+\.)?([a-z0-9-]+)\.serviceradar$/.exec(identity.commonName)?.[1] ?? "",
    onSome: ({ path }) => lastSegment(path).replace(/^serviceradar-/, "")
  })
  return service === "" ? Option.none() : Option.some(service)
}
