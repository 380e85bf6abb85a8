/**
 * Makes one set of what was read, if it belongs together: everything parses, the key is that of the certificate, the
 * certificate is valid now and chains to its roots.
 *
 * Checked here and not at the first connection, which would fail for all peers at once and say less.
 */
import { DateTime, Option, Redacted, Result } from "effect"
import * as crypto from "node:crypto"
import * as tls from "node:tls"
import * as PemText from "../../domain/grpc/PemText.ts"
import type { Validity } from "../../domain/security/CertificateExpiry.ts"
import * as CertificateExpiry from "../../domain/security/CertificateExpiry.ts"
import { CredentialsError, type CredentialSet } from "../../services/security/Credentials.ts"
import { describeCause } from "../process/SetupFailed.ts"
import * as PeerCertificate from "./PeerCertificate.ts"

/** A PEM text and where it is from. */
export interface Pem {
  readonly file: string
  readonly text: string
}

const attempt = <A>(file: string, make: () => A): Result.Result<A, CredentialsError> =>
  Result.try({ try: make, catch: (cause) => new CredentialsError({ file, reason: describeCause(cause) }) })

const refuse = (file: string, reason: string) => Result.fail(new CredentialsError({ file, reason }))

/** Every certificate of the text, in its order. */
export const certificates = (
  { file, text }: Pem
): Result.Result<ReadonlyArray<crypto.X509Certificate>, CredentialsError> => {
  const trouble = PemText.troubleOf(text)
  if (trouble !== undefined) return refuse(file, trouble)
  const found = PemText.blocksOf(text).filter(({ label }) => label === "CERTIFICATE")
  if (found.length === 0) return refuse(file, "holds no certificate")
  return attempt(file, () => found.map((one) => new crypto.X509Certificate(one.text)))
}

export const validityOf = (certificate: crypto.X509Certificate): Validity => ({
  notBeforeMillis: certificate.validFromDate.getTime(),
  notAfterMillis: certificate.validToDate.getTime()
})

const dateOf = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(millis))

const untimely = (validity: Validity, nowMillis: number): Option.Option<string> => {
  if (CertificateExpiry.isExpired(validity, nowMillis)) {
    return Option.some(`has expired on ${dateOf(validity.notAfterMillis)}`)
  }
  return CertificateExpiry.isNotYetValid(validity, nowMillis)
    ? Option.some(`is not valid before ${dateOf(validity.notBeforeMillis)}`)
    : Option.none()
}

const isIssuedBy = (certificate: crypto.X509Certificate, issuer: crypto.X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)

/** Of several roots with the same name and key, such as one that was renewed, the one that is valid the longest. */
const anchorOf = (
  certificate: crypto.X509Certificate,
  roots: ReadonlyArray<crypto.X509Certificate>
): crypto.X509Certificate | undefined =>
  roots.filter((root) => root.fingerprint256 === certificate.fingerprint256 || isIssuedBy(certificate, root))
    .toSorted((one, other) => other.validToDate.getTime() - one.validToDate.getTime())[0]

/** From the leaf to a root; none when no root is reached. */
export const chainTo = (
  presented: ReadonlyArray<crypto.X509Certificate>,
  roots: ReadonlyArray<crypto.X509Certificate>
): Option.Option<ReadonlyArray<crypto.X509Certificate>> => {
  const [leaf, ...rest] = presented
  if (leaf === undefined) return Option.none()
  const chain = [leaf]
  const unused = new Set(rest)
  for (let last = leaf;;) {
    const current = last
    const anchor = anchorOf(current, roots)
    if (anchor !== undefined) {
      return Option.some(anchor.fingerprint256 === current.fingerprint256 ? chain : [...chain, anchor])
    }
    const issuer = [...unused].find((one) => one.ca && isIssuedBy(current, one))
    if (issuer === undefined) return Option.none()
    unused.delete(issuer)
    chain.push(issuer)
    last = issuer
  }
}

/** As short as the shortest of the chain, its root included: one that has expired breaks it for every peer. */
export const shortest = (chain: ReadonlyArray<crypto.X509Certificate>): Validity => {
  const all = chain.map(validityOf)
  return {
    notBeforeMillis: Math.max(...all.map((one) => one.notBeforeMillis)),
    notAfterMillis: Math.min(...all.map((one) => one.notAfterMillis))
  }
}

export interface Parts {
  readonly cert: Pem
  readonly key: Pem
  /** Undefined: the roots of the system. */
  readonly ca: Pem | undefined
  readonly clientCa: Pem | undefined
  /** Whether the certificate must chain to the roots. */
  readonly isRooted: boolean
}

export const keyOf = ({ file, text }: Pem): Result.Result<crypto.KeyObject, CredentialsError> => {
  const trouble = PemText.troubleOf(text)
  if (trouble !== undefined) return refuse(file, trouble)
  if (PemText.isEncryptedKey(text)) {
    return refuse(
      file,
      "is encrypted, and there is nobody to ask for its passphrase: `openssl pkey -in FILE` decrypts it"
    )
  }
  if (!PemText.blocksOf(text).some(({ label }) => label.endsWith("PRIVATE KEY"))) {
    return refuse(file, "holds no private key")
  }
  return attempt(file, () => crypto.createPrivateKey(text))
}

const check = (parts: Parts, nowMillis: number) =>
  Result.gen(function*() {
    const presented = yield* certificates(parts.cert)
    const roots = parts.ca === undefined ? [] : yield* certificates(parts.ca)
    const clientRoots = parts.clientCa === undefined ? [] : yield* certificates(parts.clientCa)
    const [leaf] = presented
    if (leaf === undefined) return yield* refuse(parts.cert.file, "holds no certificate")
    const key = yield* keyOf(parts.key)
    if (!leaf.checkPrivateKey(key)) {
      return yield* refuse(parts.key.file, `key values mismatch: it is not the key of ${parts.cert.file}`)
    }
    const chain = chainTo(presented, [...roots, ...clientRoots])
    if (Option.isNone(chain) && parts.isRooted) {
      return yield* refuse(parts.cert.file, `does not chain to a certificate of ${parts.ca?.file ?? "the roots"}`)
    }
    const validity = shortest(Option.getOrElse(chain, () => presented))
    const own = untimely(shortest(presented.slice(0, 1)), nowMillis)
    if (Option.isSome(own)) return yield* refuse(parts.cert.file, own.value)
    const trouble = untimely(validity, nowMillis)
    if (Option.isSome(trouble)) {
      return yield* refuse(parts.cert.file, `chains to a certificate that ${trouble.value}`)
    }
    // What OpenSSL alone refuses, such as a key that is too short for its security level.
    yield* attempt(parts.cert.file, () =>
      tls.createSecureContext({ cert: parts.cert.text, key: parts.key.text, ca: parts.ca?.text }))
    // How long it lives says when to warn of its end, and a root may be younger than it.
    return { leaf, validity: { ...validity, notBeforeMillis: validityOf(leaf).notBeforeMillis } }
  })

/** `bundles` as in the set; whoever needs a SPIFFE id is refused without one. */
export const make = (
  parts: Parts,
  nowMillis: number,
  bundles: CredentialSet["bundles"] = Option.none()
): Result.Result<CredentialSet, CredentialsError> =>
  Result.flatMap(check(parts, nowMillis), ({ leaf, validity }) => {
    const identity = PeerCertificate.identityOfX509(leaf)
    if (Option.isSome(bundles) && (Option.isNone(identity.spiffeId) || leaf.ca)) {
      return refuse(parts.cert.file, "is no SVID: it needs exactly one spiffe:// name and may be no CA")
    }
    return Result.succeed({
      identity,
      serialNumber: leaf.serialNumber,
      validity,
      cert: parts.cert.text,
      key: Redacted.make(parts.key.text, { label: "private key" }),
      serverRoots: parts.ca?.text ?? "",
      clientRoots: parts.clientCa?.text ?? "",
      bundles
    })
  })
