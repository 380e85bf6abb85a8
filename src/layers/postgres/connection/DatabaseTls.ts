/**
 * How connections to PostgreSQL are encrypted, and what is verified.
 *
 * Certificates are read once, and one that does not belong to its key is found here. `require` encrypts and verifies
 * nothing, as it does everywhere else; without a mode and certificates the address decides.
 */
import { Effect, type FileSystem, Option } from "effect"
import type * as tls from "node:tls"
import type * as CnpgConfig from "../../../domain/events/settings/CnpgConfig.ts"
import * as TlsFiles from "../../security/TlsFiles.ts"

const pemsOf = Effect.fnUntraced(function*({ caFile, certFile, keyFile }: CnpgConfig.DatabaseTls) {
  if (certFile !== undefined && keyFile !== undefined && caFile !== undefined) {
    return yield* TlsFiles.load({ caFile, certFile, keyFile })
  }
  const ca = caFile === undefined ? {} : { ca: yield* TlsFiles.readPem(caFile) }
  if (caFile !== undefined) yield* TlsFiles.check(caFile, ca)
  if (certFile === undefined || keyFile === undefined) return ca
  const own = { cert: yield* TlsFiles.readPem(certFile), key: yield* TlsFiles.readPem(keyFile) }
  yield* TlsFiles.check(keyFile, own)
  return { ...ca, ...own }
})

const ofFiles = (files: CnpgConfig.DatabaseTls) =>
  Effect.map(pemsOf(files), (pems): tls.ConnectionOptions => ({
    ...pems,
    minVersion: "TLSv1.2",
    ...(files.verifiesName ? {} : { checkServerIdentity: () => undefined })
  }))

export const load = Effect.fn("DatabaseTls.load")(function*(database: {
  readonly tls: Option.Option<CnpgConfig.DatabaseTls>
  readonly sslMode: Option.Option<CnpgConfig.SslMode>
}): Effect.fn.Return<tls.ConnectionOptions | undefined, TlsFiles.CredentialsError, FileSystem.FileSystem> {
  if (Option.isSome(database.tls)) return yield* ofFiles(database.tls.value)
  return Option.contains(database.sslMode, "require") ? { rejectUnauthorized: false } : undefined
})
