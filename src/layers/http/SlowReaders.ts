/**
 * Closes connections whose peer does not read what is there for it: they would stay for ever, with their answers.
 *
 * Whoever waits for something to happen, such as the next event of a trace, has nothing to read and is left alone.
 */
import { Duration, Effect, type Scope } from "effect"
import type * as http from "node:http"
import type { Socket } from "node:net"

/** As long as gRPC waits for its readers. */
export const readerDefault = Duration.minutes(2)

/** For connections from now on, until the scope closes. A large answer that is read, however slowly, goes on. */
export const cutOff = (
  server: http.Server,
  after: Duration.Duration = readerDefault
): Effect.Effect<void, never, Scope.Scope> => {
  const onTimeout = (socket: Socket) => {
    if (socket.writableLength > 0) socket.destroy()
  }
  return Effect.asVoid(Effect.acquireRelease(
    Effect.sync(() => server.setTimeout(Duration.toMillis(after)).on("timeout", onTimeout)),
    () => Effect.sync(() => server.setTimeout(0).off("timeout", onTimeout))
  ))
}
