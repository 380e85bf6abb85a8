/** A CA for one test: certificates of any name, time and kind, without waiting for openssl. */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import type { Validity } from "../../src/domain/security/CertificateExpiry.ts"
import * as CertificateAuthority from "../../src/layers/security/CertificateAuthority.ts"

const hour = 3_600_000

export const validFor = (fromMillis: number, toMillis: number): Validity => {
  const now = Date.now()
  return { notBeforeMillis: now + fromMillis, notAfterMillis: now + toMillis }
}

const usual = () => validFor(-hour, 24 * 365 * hour)

export interface Issued {
  readonly cert: string
  readonly key: string
}

/** A root, or with an issuer an intermediate. */
export const authority = (name = "Test root", validity: Validity = usual(), above?: CertificateAuthority.Issuer) => {
  const keys = CertificateAuthority.newKeys()
  const issuer: CertificateAuthority.Issuer = { name: CertificateAuthority.nameOf(name), keys }
  return {
    issuer,
    root: CertificateAuthority.issueAuthority(name, keys, validity, above),
    issue: (
      subject: Partial<CertificateAuthority.Subject> = {},
      validity: Validity = usual(),
      own = CertificateAuthority.newKeys()
    ): Issued => {
      const cert = CertificateAuthority.issueLeaf(
        issuer,
        {
          commonName: "agent.serviceradar",
          dnsNames: ["localhost", subject.commonName ?? "agent.serviceradar"],
          addresses: ["127.0.0.1"],
          ...subject
        },
        own.publicKey,
        validity
      )
      return { cert, key: CertificateAuthority.keyPem(own) }
    }
  }
}

export type Authority = ReturnType<typeof authority>

/** As a renewal does it: each file in one step, one after the other. */
export const write = async (folder: string, name: string, issued: Issued, root: string): Promise<void> => {
  for (
    const [file, text] of [[`${name}.pem`, issued.cert], [`${name}-key.pem`, issued.key], ["root.pem", root]] as const
  ) {
    const fresh = path.join(folder, `.${file}.new`)
    await fs.writeFile(fresh, text, { mode: 0o600 })
    await fs.rename(fresh, path.join(folder, file))
  }
}

export const filesIn = (folder: string, name: string) => ({
  certFile: path.join(folder, `${name}.pem`),
  keyFile: path.join(folder, `${name}-key.pem`),
  caFile: path.join(folder, "root.pem"),
  clientCaFile: path.join(folder, "root.pem")
})
