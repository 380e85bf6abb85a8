/**
 * Files with certificates and keys, roots from a PEM file, and whether what was read can be used. What has a key comes
 * from `Credentials`.
 */
import { Effect } from "effect"
import * as tls from "node:tls"
import * as PemText from "../../domain/grpc/PemText.ts"
import { CredentialsError } from "../../services/security/Credentials.ts"
import * as WholeFile from "../files/WholeFile.ts"

/** Of the roots of a whole system, of which there are some 150. */
const bytesMax = 2 ** 20

/** The text of a file that a configuration names. */
export const read = (file: string) =>
  Effect.mapError(
    WholeFile.read(file, bytesMax),
    ({ detail }) => new CredentialsError({ file, reason: `cannot be read: ${detail}` })
  )

/** The text of a file that holds at least one PEM block. */
export const readPem = Effect.fnUntraced(function*(file: string) {
  const text = yield* read(file)
  const trouble = PemText.troubleOf(text)
  return trouble === undefined ? text : yield* new CredentialsError({ file, reason: trouble })
})

/** What is wrong with `options` is told of `file`. */
export const check = (file: string, options: tls.SecureContextOptions) =>
  Effect.try({
    try: () => tls.createSecureContext(options),
    catch: (cause) => new CredentialsError({ file, reason: cause instanceof Error ? cause.message : String(cause) })
  })
