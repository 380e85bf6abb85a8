/**
 * The certificates of some hosts of an installation, as an operator renews them: in the files of each, of an authority that
 * is replaced each time.
 *
 * Nothing of them depends on chance that a world could see: who is told of a serial number, or of a signature?
 */
import type { SecurityBlock } from "../../../src/domain/security/SecurityConfig.ts"
import * as CertificateAuthority from "../../../src/layers/security/CertificateAuthority.ts"
import type { HostFiles } from "./HostFiles.ts"

/** Clocks of hosts are set by two hours; whoever judges a peer's certificate has a clock that is so far ahead. */
export const aheadMillis = 3 * 3_600_000

const folder = "/etc/serviceradar/certs"
const dayMillis = 86_400_000

/** Of a host's own configuration, or of what it says of `server`. */
export const block = (role: string, server?: string): SecurityBlock => ({
  mode: "mtls",
  cert_dir: folder,
  role,
  ...(server === undefined ? {} : { server_name: server }),
  tls: { cert_file: "own.pem", key_file: "own-key.pem", ca_file: "root.pem" }
})

interface Authority {
  readonly issuer: CertificateAuthority.Issuer
  readonly root: string
}

export interface Holder {
  readonly name: string
  readonly role: string
  readonly files: HostFiles
}

export class Certificates {
  readonly #epochMillis: number
  /** When the certificates of each authority are over. */
  readonly #overMillis: ReadonlyArray<number>
  readonly #authorities: Array<Authority> = []
  readonly holders: Array<Holder> = []

  /** `overMillis` of each authority but the last one, whose certificates outlive the world. */
  constructor(epochMillis: number, overMillis: ReadonlyArray<number>) {
    this.#epochMillis = epochMillis
    this.#overMillis = overMillis
  }

  /** Who has a certificate of the first authority, and may have others. */
  add(holder: Holder): void {
    this.holders.push(holder)
    this.trust(holder, [0])
    this.issue(holder, 0)
  }

  /** A new certificate of this authority. */
  issue({ files, name, role }: Holder, authority: number): void {
    const keys = CertificateAuthority.newKeys()
    const over = this.#overMillis[authority]
    const cert = CertificateAuthority.issueLeaf(
      this.#authority(authority).issuer,
      { commonName: `${role}.serviceradar`, dnsNames: [name] },
      keys.publicKey,
      {
        notBeforeMillis: this.#epochMillis - dayMillis,
        notAfterMillis: this.#epochMillis + aheadMillis + (over ?? 366 * dayMillis)
      }
    )
    files.write(`${folder}/own.pem`, cert)
    files.write(`${folder}/own-key.pem`, CertificateAuthority.keyPem(keys))
  }

  /** These are trusted from now on, and no other. */
  trust({ files }: Holder, authorities: ReadonlyArray<number>): void {
    files.write(`${folder}/root.pem`, authorities.map((one) => this.#authority(one).root).join(""))
  }

  #authority(at: number): Authority {
    const known = this.#authorities[at]
    if (known !== undefined) return known
    const keys = CertificateAuthority.newKeys()
    const name = `Authority ${at}`
    const made = {
      issuer: { name: CertificateAuthority.nameOf(name), keys },
      root: CertificateAuthority.issueAuthority(name, keys, {
        notBeforeMillis: this.#epochMillis - dayMillis,
        notAfterMillis: this.#epochMillis + 3_660 * dayMillis
      })
    }
    this.#authorities[at] = made
    return made
  }
}
