/**
 * The certificates that an address of PostgreSQL names, in libpq's words: `sslcert`, `sslkey`, `sslrootcert`, `sslmode`.
 *
 * With all three files they are credentials of ours like any other: watched, and renewed without a restart. Without one
 * of them the driver makes of the address what it always does.
 */
import { Option, Redacted } from "effect"
import type * as CnpgConfig from "../../../domain/events/settings/CnpgConfig.ts"

export interface UrlCertificates {
  /** Without the words that are in `tls`. */
  readonly url: Redacted.Redacted
  readonly tls: Option.Option<CnpgConfig.DatabaseTls>
}

const words = ["sslcert", "sslkey", "sslrootcert", "sslmode"] as const

export const take = (url: Redacted.Redacted): UrlCertificates => {
  const parsed = URL.parse(Redacted.value(url))
  const untouched = { url, tls: Option.none() }
  if (parsed === null) return untouched
  const [certFile, keyFile, caFile, mode] = words.map((word) => parsed.searchParams.get(word) ?? "")
  if (!certFile || !keyFile || !caFile || mode === "disable") return untouched
  for (const word of words) parsed.searchParams.delete(word)
  return {
    url: Redacted.make(parsed.href),
    tls: Option.some({ certFile, keyFile, caFile, verifiesName: mode !== "verify-ca" })
  }
}
