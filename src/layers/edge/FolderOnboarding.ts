/** Certificates of the authority in a folder of `serviceradar certs init`, read anew for each: another may be put there at any time. */
import { DateTime, Duration, Effect, FileSystem, Layer, Option, Redacted } from "effect"
import * as crypto from "node:crypto"
import * as path from "node:path"
import type { OnboardingConfig } from "../../domain/edge/OnboardingConfig.ts"
import { EdgeCertificatesError, EdgeOnboarding } from "../../services/edge/EdgeOnboarding.ts"
import * as CertificateFolder from "../security/CertificateFolder.ts"
import * as CertificateSet from "../security/CertificateSet.ts"

const life = Duration.days(365)

/** The one name that it has is its own: with another's it could be taken for that. */
const certify = (folder: string) =>
  Effect.fn("FolderOnboarding.certify")(
    function*(commonName: string) {
      const ca = yield* CertificateFolder.read(path.join(folder, CertificateFolder.rootFile))
      const { cert, key } = yield* CertificateFolder.sign(folder, { commonName, dnsNames: [commonName] }, life)
      const { notAfterMillis } = CertificateSet.validityOf(new crypto.X509Certificate(cert))
      return {
        ca,
        cert,
        key: Redacted.make(key, { label: "private key" }),
        generatedAt: yield* DateTime.now,
        expiresAt: DateTime.makeUnsafe(notAfterMillis)
      }
    },
    (effect, commonName) =>
      Effect.mapError(effect, ({ message }) => new EdgeCertificatesError({ commonName, detail: message }))
  )

export const layer = ({ certificates, tokenLife }: OnboardingConfig) =>
  Layer.effect(
    EdgeOnboarding,
    Effect.map(FileSystem.FileSystem, (files) => ({
      certify: Option.map(certificates, (folder) => (commonName: string) =>
        Effect.provideService(certify(folder)(commonName), FileSystem.FileSystem, files)),
      tokenLife
    }))
  )
