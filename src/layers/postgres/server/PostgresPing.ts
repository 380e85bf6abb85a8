/**
 * Whether a PostgreSQL of ours still takes connections: it answers the question for TLS, which needs no account.
 *
 * A server that hangs does not; one that starts, recovers or has no connection left does.
 */
import type { Effect } from "effect"
import * as ServerPing from "../../process/endpoint/ServerPing.ts"
import type { SetupFailed } from "../../process/SetupFailed.ts"

/** Eight bytes of length and code; the answer is one letter. */
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])

export const ping = (host: string, port: number): Effect.Effect<void, SetupFailed> =>
  ServerPing.ask({
    host,
    port,
    ask: (socket) => socket.once("connect", () => socket.write(sslRequest)),
    verdict: () => ""
  })
