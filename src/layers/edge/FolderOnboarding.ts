/** Certificates of the authority in a folder of `serviceradar certs init`, read anew for each: another may be put there at any time. */
import { Clock, DateTime, Duration, Effect, FileSystem, Layer, Option, Redacted } from "effect"
import * as crypto from "node:crypto"
import * as path from "node:path"
import type { OnboardingConfig } from "../../domain/edge/OnboardingConfig.ts"
import * as AttemptLimits from "../../domain/identity/AttemptLimits.ts"
import { EdgeCertificatesError, EdgeOnboarding, TooManyDownloads } from "../../services/edge/EdgeOnboarding.ts"
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

/** As often as somebody may try to sign in. */
const admitting = (): EdgeOnboarding["Service"]["admit"] => {
  const limits = AttemptLimits.make()
  return Effect.fnUntraced(function*(address) {
    const millis = limits.take(address, yield* Clock.currentTimeMillis)
    if (millis > 0) return yield* new TooManyDownloads({ retryAfterSeconds: Math.ceil(millis / 1000) })
  })
}

export const layer = ({ certificates, tokenLife }: OnboardingConfig) =>
  Layer.effect(
    EdgeOnboarding,
    Effect.map(FileSystem.FileSystem, (files) => ({
      admit: admitting(),
      certify: Option.map(certificates, (folder) => (commonName: string) =>
        Effect.provideService(certify(folder)(commonName), FileSystem.FileSystem, files)),
      tokenLife
    }))
  )
