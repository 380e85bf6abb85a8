/** What is in a file of certificates, and whether a program would take those of a folder; for any, whoever made them. */
import { Clock, DateTime, Effect, FileSystem, Option, Result } from "effect"
import * as crypto from "node:crypto"
import * as net from "node:net"
import * as path from "node:path"
import * as CertificateExpiry from "../../domain/security/CertificateExpiry.ts"
import * as CertificateIdentity from "../../domain/security/CertificateIdentity.ts"
import { CertificateFolderError, certificatesOf, failed, read, rootFile, rootKeyFile } from "./CertificateFolder.ts"
import * as CertificateSet from "./CertificateSet.ts"
import * as CredentialFiles from "./CredentialFiles.ts"
import * as PeerCertificate from "./PeerCertificate.ts"

export interface CertificateFacts {
  readonly subject: string
  readonly names: ReadonlyArray<string>
  readonly issuer: string
  readonly serialNumber: string
  readonly notBefore: string
  readonly notAfter: string
  readonly isCa: boolean
  /** Of the key in the file beside it; none without such a file. */
  readonly keyMatches: boolean | null
  /** To `root.pem` of its folder; none without one. */
  readonly chains: boolean | null
}

const oneLine = (name: string): string => name.split("\n").toReversed().join(", ")

/** OpenSSL writes all groups of an IPv6 address: `0:0:0:0:0:0:0:1` is `::1`. */
const shortName = ({ kind, value }: PeerCertificate.AlternativeName): string =>
  kind === "IP Address" && net.isIPv6(value) ? new URL(`http://[${value}]`).hostname.slice(1, -1) : value

const dateOf = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(millis))

const optionally = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.map(Effect.option(effect), Option.getOrNull)

/** Each certificate of the file, the first of which is the one that the key belongs to. */
export const show = Effect.fn("CertificateReport.show")(function*(file: string) {
  const found = yield* certificatesOf(file)
  const roots = yield* optionally(certificatesOf(path.join(path.dirname(file), rootFile)))
  const key = yield* optionally(read(file.replace(/\.pem$/, "-key.pem")))
  const matches = (certificate: crypto.X509Certificate): boolean | null =>
    key === null || file.endsWith("-key.pem")
      ? null
      : Result.getOrElse(Result.try(() => certificate.checkPrivateKey(crypto.createPrivateKey(key))), () => false)
  return found.map((certificate, index): CertificateFacts => {
    const { notAfterMillis, notBeforeMillis } = CertificateSet.validityOf(certificate)
    return {
      subject: oneLine(certificate.subject),
      names: PeerCertificate.alternativeNames(certificate.subjectAltName ?? "").map(shortName),
      issuer: oneLine(certificate.issuer),
      serialNumber: certificate.serialNumber,
      notBefore: dateOf(notBeforeMillis),
      notAfter: dateOf(notAfterMillis),
      isCa: certificate.ca,
      keyMatches: index === 0 ? matches(certificate) : null,
      chains: roots === null ? null : Option.isSome(CertificateSet.chainTo(found.slice(index), roots))
    }
  })
})

export interface Verdict {
  readonly file: string
  readonly name: string
  readonly notAfter: string
  /** Empty when a program would take it. */
  readonly problem: string
  /** That it, or what it chains to, ends soon: what a program warns of too. */
  readonly warning: string
}

/** Whether a program would take each certificate of the folder that has a key. */
export const verify = Effect.fn("CertificateReport.verify")(function*(folder: string) {
  const files = yield* FileSystem.FileSystem
  const entries = new Set(yield* Effect.mapError(files.readDirectory(folder), failed(folder)))
  const names = [...entries].filter((entry) => entry.endsWith("-key.pem") && entry !== rootKeyFile)
    .map((entry) => entry.replace(/-key\.pem$/, "")).toSorted()
  if (names.length === 0) {
    return yield* new CertificateFolderError({ file: folder, reason: "holds no certificate with a key" })
  }
  const ca = path.join(folder, rootFile)
  const now = yield* Clock.currentTimeMillis
  return yield* Effect.forEach(names, (name) => {
    const file = path.join(folder, `${name}.pem`)
    return CredentialFiles.readAll(
      { certFile: file, keyFile: path.join(folder, `${name}-key.pem`), caFile: ca, clientCaFile: ca },
      "refuse"
    ).pipe(
      Effect.flatMap((reading) => CredentialFiles.toSet(reading, { isSvid: false, isRooted: true })),
      Effect.match({
        onFailure: (error): Verdict => ({
          file,
          name: "",
          notAfter: "",
          problem: `${error.file}: ${error.reason}`,
          warning: ""
        }),
        onSuccess: (set): Verdict => ({
          file,
          name: CertificateIdentity.nameOf(set.identity),
          notAfter: dateOf(set.validity.notAfterMillis),
          problem: "",
          warning: Option.match(CertificateExpiry.warningDue(set.validity, now), {
            onNone: () => "",
            onSome: (days) => `expires within ${days === 1 ? "a day" : `${days} days`}`
          })
        })
      })
    )
  })
})
