/**
 * The credentials of gRPC from the `security` object of a configuration.
 *
 * Files are read once; a certificate and a key that do not belong together are found here and not at the first call.
 */
import { Effect, Option } from "effect"
import type { SecurityConfig } from "../../domain/security/SecurityConfig.ts"
import * as GrpcCredentials from "../grpc/GrpcCredentials.ts"
import * as TlsFiles from "./TlsFiles.ts"

export { CredentialsError } from "./TlsFiles.ts"

/** For dialling: presents our certificate and verifies the server's against `caFile` and its name. */
export const client = Effect.fn("GrpcCredentials.client")(function*(security: SecurityConfig) {
  if (security._tag === "None") return GrpcCredentials.plainClient
  const pems = yield* TlsFiles.load(security)
  const context = yield* TlsFiles.check(security.certFile, GrpcCredentials.contextOptions(pems))
  return GrpcCredentials.ofSecureContext(context, Option.getOrUndefined(security.serverName))
})

/** For listening: a client must present a certificate that `clientCaFile` verifies. */
export const server = Effect.fn("GrpcCredentials.server")(function*(security: SecurityConfig) {
  if (security._tag === "None") return GrpcCredentials.plainServer
  const pems = yield* TlsFiles.load({ ...security, caFile: security.clientCaFile })
  return yield* GrpcCredentials.mutualServer(pems).pipe(
    Effect.mapError(({ reason }) => new TlsFiles.CredentialsError({ file: security.certFile, reason }))
  )
})
