/**
 * Whether a PostgreSQL of ours still takes connections: it answers the question for TLS, which needs no account.
 *
 * A server that hangs does not; one that starts, recovers or has no connection left does.
 */
import { Effect } from "effect"
import * as net from "node:net"
import { SetupFailed } from "../../process/SetupFailed.ts"

const limit = "3 seconds"

/** Eight bytes of length and code; the answer is one letter. */
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])

export const ping = (host: string, port: number): Effect.Effect<void, SetupFailed> => {
  const failed = (detail: string) => new SetupFailed({ step: `asking the server on ${host}:${port}`, detail })
  return Effect.callback<void, SetupFailed>((resume) => {
    const socket = net.connect({ host, port }, () => socket.write(sslRequest))
    socket.once("data", () => {
      socket.destroy()
      resume(Effect.void)
    })
    socket.once("error", (cause) => resume(Effect.fail(failed(cause.message))))
    socket.once("close", () => resume(Effect.fail(failed("it closed the connection"))))
    return Effect.sync(() => socket.destroy())
  }).pipe(
    Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.fail(failed("no answer within 3 s")) })
  )
}
