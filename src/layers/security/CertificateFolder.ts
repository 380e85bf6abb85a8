/**
 * A folder of certificates as the programs want it: `root.pem`, and `<service>.pem` with `<service>-key.pem` for each
 * service.
 *
 * Made here for development: `root-key.pem`, the key of the CA, is in the folder too. Files appear whole or not at all, so
 * a running program may be given new ones at any time. Keys are readable by their owner alone.
 */
import { Clock, Duration, Effect, FileSystem, Result, Schema } from "effect"
import type { PlatformError } from "effect/PlatformError"
import * as crypto from "node:crypto"
import * as net from "node:net"
import * as path from "node:path"
import * as WholeFile from "../files/WholeFile.ts"
import * as OwnFile from "../process/OwnFile.ts"
import * as SafeDirectory from "../process/SafeDirectory.ts"
import { systemText } from "../process/SystemText.ts"
import * as CertificateAuthority from "./CertificateAuthority.ts"
import * as CertificateSet from "./CertificateSet.ts"

export class CertificateFolderError extends Schema.TaggedError<CertificateFolderError>()("CertificateFolderError", {
  file: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.file}: ${this.reason}`
  }
}

const authorityName = "ServiceRadar development CA"
export const rootFile = "root.pem"
export const rootKeyFile = "root-key.pem"
const keyMode = 0o600
const certMode = 0o644
/** Clocks of other machines may be behind. */
const backdatedMillis = 300_000

export const failed = (file: string) => (error: PlatformError) =>
  new CertificateFolderError({ file, reason: systemText(error) })

const put = (file: string, text: string, mode: number) =>
  Effect.mapError(
    OwnFile.write(file, text, { mode }),
    ({ detail }) => new CertificateFolderError({ file, reason: detail })
  )

/** Of the roots of a whole system, of which there are some 150. */
const bytesMax = 2 ** 20

export const read = (file: string) =>
  Effect.mapError(
    WholeFile.read(file, bytesMax),
    ({ detail }) => new CertificateFolderError({ file, reason: detail })
  )

const validity = (life: Duration.Duration) =>
  Effect.map(Clock.currentTimeMillis, (now) => ({
    notBeforeMillis: now - backdatedMillis,
    notAfterMillis: now + Duration.toMillis(life)
  }))

export const init = Effect.fn("CertificateFolder.init")(function*(folder: string, life: Duration.Duration) {
  const files = yield* FileSystem.FileSystem
  const root = path.join(folder, rootFile)
  const rootKey = path.join(folder, rootKeyFile)
  yield* Effect.mapError(SafeDirectory.make(folder), failed(folder))
  for (const file of [root, rootKey]) {
    if (yield* Effect.orElseSucceed(files.exists(file), () => false)) {
      return yield* new CertificateFolderError({
        file,
        reason: "is there already; another CA would make every certificate that it issued worthless"
      })
    }
  }
  const keys = CertificateAuthority.newKeys()
  yield* put(rootKey, CertificateAuthority.keyPem(keys), keyMode)
  yield* put(root, CertificateAuthority.issueAuthority(authorityName, keys, yield* validity(life)), certMode)
  return [root, rootKey]
})

const issuerOf = Effect.fnUntraced(function*(folder: string) {
  const file = path.join(folder, rootKeyFile)
  const text = yield* read(file)
  const root = yield* certificatesOf(path.join(folder, rootFile))
  const privateKey = yield* Effect.fromResult(Result.mapError(
    CertificateSet.keyOf({ file, text }),
    ({ reason }) => new CertificateFolderError({ file, reason })
  ))
  if (root[0]?.checkPrivateKey(privateKey) !== true) {
    return yield* new CertificateFolderError({ file, reason: `is not the key of ${rootFile}` })
  }
  const name = CertificateAuthority.nameOf(authorityName)
  return { name, keys: { privateKey, publicKey: crypto.createPublicKey(privateKey) } }
})

export const certificatesOf = Effect.fnUntraced(function*(file: string) {
  const text = yield* read(file)
  return yield* Effect.fromResult(Result.mapError(
    CertificateSet.certificates({ file, text }),
    ({ reason }) => new CertificateFolderError({ file, reason })
  ))
})

export interface IssueOptions {
  /** Names and addresses beside the service's own and those of the loopback. */
  readonly hosts: ReadonlyArray<string>
  readonly spiffeId?: string | undefined
  readonly life: Duration.Duration
}

/** A certificate and its key, in PEM, which are written to no file. */
export const sign = Effect.fn("CertificateFolder.sign")(function*(
  folder: string,
  subject: CertificateAuthority.Subject,
  life: Duration.Duration
) {
  const issuer = yield* issuerOf(folder)
  const keys = CertificateAuthority.newKeys()
  const cert = CertificateAuthority.issueLeaf(issuer, subject, keys.publicKey, yield* validity(life))
  return { cert, key: CertificateAuthority.keyPem(keys) }
})

/** A certificate `<name>.serviceradar`, in place of the one that is there. */
export const issue = Effect.fn("CertificateFolder.issue")(function*(
  folder: string,
  name: string,
  { hosts, life, spiffeId }: IssueOptions
) {
  const commonName = `${name}.serviceradar`
  const { cert, key } = yield* sign(
    folder,
    {
      commonName,
      dnsNames: [...new Set([commonName, name, "localhost", ...hosts.filter((host) => net.isIP(host) === 0)])],
      addresses: [...new Set(["127.0.0.1", "::1", ...hosts.filter((host) => net.isIP(host) > 0)])],
      ...(spiffeId === undefined ? {} : { spiffeId })
    },
    life
  )
  const [certFile, keyFile] = [path.join(folder, `${name}.pem`), path.join(folder, `${name}-key.pem`)]
  yield* put(keyFile, key, keyMode)
  yield* put(certFile, cert, certMode)
  return [certFile, keyFile]
})
