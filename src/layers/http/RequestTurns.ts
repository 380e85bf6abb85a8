/**
 * Lets the requests of one address begin a few at a time: on one connection hundreds may come at once, one behind the
 * other, and Node hands them all out before it looks at another connection.
 */
import { Effect, type Scope } from "effect"
import type * as http from "node:http"
import { CallTurns } from "../sockets/CallTurns.ts"

/** For those who listen to requests by now, until the scope closes; they stay where they are. */
export const take = (server: http.Server): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function*() {
    const turns = new CallTurns()
    const listeners = server.listeners("request")
    const inTurn = (request: http.IncomingMessage, response: http.ServerResponse) =>
      turns.add({
        address: request.socket.remoteAddress ?? "",
        isGone: () => request.socket.destroyed,
        begin: () => {
          for (const listener of listeners) Reflect.apply(listener, server, [request, response])
        }
      })
    yield* Effect.acquireRelease(
      Effect.sync(() => server.removeAllListeners("request").on("request", inTurn)),
      () =>
        Effect.sync(() => {
          server.off("request", inTurn)
          for (const listener of listeners) Reflect.apply(server.on, server, ["request", listener])
        })
    )
  })
