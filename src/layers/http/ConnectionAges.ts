/**
 * Which connections of an HTTPS server came about under certificates that were replaced since: each of them is closed with
 * the answer to its next request, and one that has no next request closes as every idle one does. An answer that goes on
 * and on ends after a grace.
 */
import type * as https from "node:https"
import type { Socket } from "node:net"
import { keyOf } from "../sockets/HandshakeQueue.ts"
import { later } from "../sockets/Timer.ts"

/** As calls of gRPC have on a connection that is replaced. */
const graceMillis = 300_000

export interface ConnectionAges {
  /** Those that are open now, and those that are coming to terms, are of the past. */
  readonly retire: () => void
}

export const watch = (server: https.Server, grace = graceMillis): ConnectionAges => {
  const current = new Map<string, Socket>()
  server.prependListener("connection", (socket: Socket) => {
    const key = keyOf(socket)
    current.set(key, socket)
    socket.once("close", () => {
      if (current.get(key) === socket) current.delete(key)
    })
  })
  server.prependListener("request", ({ socket }, response) => {
    if (!current.has(keyOf(socket))) response.shouldKeepAlive = false
  })
  return {
    retire: () => {
      for (const socket of current.values()) socket.once("close", later(grace, () => socket.destroy()))
      current.clear()
    }
  }
}
