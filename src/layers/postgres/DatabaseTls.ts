/**
 * How connections to PostgreSQL are encrypted, and what is verified.
 *
 * Certificates are read once, and one that does not belong to its key is found here. `require` encrypts and verifies
 * nothing, as it does everywhere else; without a mode and certificates the address decides.
 */
import { Effect, FileSystem, Option } from "effect"
import * as tls from "node:tls"
import type * as CnpgConfig from "../../domain/events/CnpgConfig.ts"
import { CredentialsError } from "../grpc/GrpcCredentials.ts"

const readPem = Effect.fnUntraced(function*(file: string) {
  const files = yield* FileSystem.FileSystem
  const text = yield* files.readFileString(file).pipe(
    Effect.mapError((error) => new CredentialsError({ file, reason: `cannot be read: ${error.reason._tag}` }))
  )
  if (/-----BEGIN [A-Z0-9 ]+-----/.test(text)) return text
  return yield* new CredentialsError({ file, reason: "holds no PEM block" })
})

/** Fails as TLS itself would, but with the name of the file. */
const check = (file: string, options: tls.SecureContextOptions) =>
  Effect.try({
    try: () => tls.createSecureContext(options),
    catch: (cause) => new CredentialsError({ file, reason: cause instanceof Error ? cause.message : String(cause) })
  })

const ofFiles = Effect.fnUntraced(function*(files: CnpgConfig.DatabaseTls) {
  const cert = yield* readPem(files.certFile)
  const key = yield* readPem(files.keyFile)
  const ca = yield* readPem(files.caFile)
  yield* check(files.certFile, { cert })
  yield* check(files.caFile, { ca })
  yield* check(files.keyFile, { cert, key })
  return {
    cert,
    key,
    ca,
    minVersion: "TLSv1.2",
    ...(files.verifiesName ? {} : { checkServerIdentity: () => undefined })
  } satisfies tls.ConnectionOptions
})

export const load = Effect.fn("DatabaseTls.load")(function*(database: {
  readonly tls: Option.Option<CnpgConfig.DatabaseTls>
  readonly sslMode: Option.Option<CnpgConfig.SslMode>
}): Effect.fn.Return<tls.ConnectionOptions | undefined, CredentialsError, FileSystem.FileSystem> {
  if (Option.isSome(database.tls)) return yield* ofFiles(database.tls.value)
  return Option.contains(database.sslMode, "require") ? { rejectUnauthorized: false } : undefined
})
