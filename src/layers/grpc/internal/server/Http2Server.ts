/** The HTTP/2 server of a gRPC server: it does not listen itself, connections are handed to it. */
import { Effect, Stream } from "effect"
import * as http2 from "node:http2"
import * as ScopedLoop from "../../../../services/backoff/ScopedLoop.ts"
import * as Alpn from "../../../sockets/Alpn.ts"
import * as HandshakeQueue from "../../../sockets/HandshakeQueue.ts"
import * as ServerContext from "../../../sockets/ServerContext.ts"
import type { ServerCredentials } from "../../GrpcCredentials.ts"
import * as Attempts from "./Attempts.ts"
import type { Sessions } from "./Sessions.ts"

export type Http2Server = http2.Http2Server | http2.Http2SecureServer

export const create = (credentials: ServerCredentials | undefined, maxConcurrentCalls: number): Http2Server => {
  const options = { settings: { maxConcurrentStreams: maxConcurrentCalls } }
  if (credentials?.tls === undefined) return http2.createServer(options)
  const server = http2.createSecureServer({
    ...options,
    ...credentials.tls,
    ALPNCallback: Alpn.choose(["h2"]),
    allowHTTP1: false
  })
  ServerContext.use(server, credentials.tls)
  const { onAttempt = () => {} } = credentials
  Attempts.watch(server, onAttempt)
  HandshakeQueue.takeTurns(server, (socket) => Attempts.turnedAway(socket, onAttempt))
  return server
}

/** New connections use the newest certificates; those that are open end with their calls. */
export const followRenewals = (server: Http2Server, credentials: ServerCredentials | undefined, sessions: Sessions) =>
  credentials?.renewals === undefined
    ? Effect.void
    : ScopedLoop.start(
      "Renewing the certificates of the gRPC server",
      Stream.runForEach(credentials.renewals, (options) =>
        Effect.try({
          try: () => ServerContext.use(server, options),
          catch: (cause) => cause instanceof Error ? cause.message : String(cause)
        }).pipe(
          Effect.andThen(sessions.replace),
          Effect.catch((reason) =>
            Effect.logError(`gRPC server: new certificates cannot be used, the old ones stay: ${reason}`)
          )
        ))
    )
