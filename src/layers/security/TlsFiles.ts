/**
 * Roots from a PEM file, and whether what was read can be used. What has a key comes from `Credentials`.
 */
import { Effect, FileSystem } from "effect"
import * as tls from "node:tls"
import { CredentialsError } from "../../services/security/Credentials.ts"
import { systemText } from "../process/SystemText.ts"

/** The text of a file that holds at least one PEM block. */
export const readPem = Effect.fnUntraced(function*(file: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const text = yield* fileSystem.readFileString(file).pipe(
    Effect.mapError((error) => new CredentialsError({ file, reason: `cannot be read: ${systemText(error)}` }))
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
