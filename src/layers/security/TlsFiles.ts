/**
 * Certificate, key and roots from PEM files, read once; those that do not belong together are found here and not at the
 * first connection. Failures are those of TLS itself, but with the name of the file.
 */
import { Effect, FileSystem, Schema } from "effect"
import * as tls from "node:tls"

export class CredentialsError extends Schema.TaggedError<CredentialsError>()("CredentialsError", {
  file: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `TLS file ${this.file}: ${this.reason}`
  }
}

/** The text of a file that holds at least one PEM block. */
export const readPem = Effect.fnUntraced(function*(file: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const text = yield* fileSystem.readFileString(file).pipe(
    Effect.mapError((error) => new CredentialsError({ file, reason: `cannot be read: ${error.reason._tag}` }))
  )
  if (/-----BEGIN [A-Z0-9 ]+-----/.test(text)) return text
  return yield* new CredentialsError({ file, reason: "holds no PEM block" })
})

/** What is wrong with `options` is told of `file`. */
export const check = (file: string, options: tls.SecureContextOptions) =>
  Effect.try({
    try: () => tls.createSecureContext(options),
    catch: (cause) => new CredentialsError({ file, reason: cause instanceof Error ? cause.message : String(cause) })
  })

export const load = Effect.fn("TlsFiles.load")(function*(
  files: { readonly certFile: string; readonly keyFile: string; readonly caFile: string }
) {
  const cert = yield* readPem(files.certFile)
  const key = yield* readPem(files.keyFile)
  const ca = yield* readPem(files.caFile)
  yield* check(files.certFile, { cert })
  yield* check(files.caFile, { ca })
  yield* check(files.keyFile, { cert, key })
  return { cert, key, ca }
})
