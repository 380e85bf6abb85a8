/**
 * A limit on how long a TCP connection of grpc-js may take, which leaves it to the operating system: two minutes on Linux
 * when nobody answers.
 *
 * grpc-js lets nobody see a socket that still connects, so the socket is taken from Node's `net.client.socket` channel: the
 * first one to the peer's port that is made once grpc-js is about to dial. Another part of the process that dials the same
 * port in that very moment would have its limit; it loses only a connection attempt that nobody has answered.
 */
import { channel } from "node:diagnostics_channel"
import type * as net from "node:net"
import { setImmediate } from "node:timers"
import { later } from "../../../sockets/Timer.ts"

interface Attempt {
  readonly port: number
  readonly timeoutMillis: number
}

const dialling = new Set<Attempt>()

const give = (socket: net.Socket, port: number): void => {
  for (const attempt of dialling) {
    if (attempt.port !== port || !socket.connecting) continue
    dialling.delete(attempt)
    const cancel = later(attempt.timeoutMillis, () => {
      if (socket.connecting) {
        socket.destroy(new Error(`no TCP connection within ${attempt.timeoutMillis} ms`))
      }
    })
    socket.once("connect", cancel)
    socket.once("close", cancel)
    return
  }
}

const isSocketMessage = (message: unknown): message is { readonly socket: net.Socket } =>
  typeof message === "object" && message !== null && "socket" in message

let isWatching = false

const watch = (): void => {
  if (isWatching) return
  isWatching = true
  channel("net.client.socket").subscribe((message) => {
    if (dialling.size === 0 || !isSocketMessage(message)) return
    const { socket } = message
    socket.once("connectionAttempt", (_address: string, port: number) => give(socket, port))
  })
}

/** The port at the end of a target, with or without a scheme; undefined where there is none, as for a unix socket. */
export const portOf = (path: string): number | undefined => {
  const port = /:(\d{1,5})$/.exec(path)?.[1]
  return port === undefined ? undefined : Number(port)
}

/** To be called right before grpc-js dials. */
export const limit = (attempt: Attempt): void => {
  watch()
  dialling.add(attempt)
  // By then the socket is there, or none is made.
  setImmediate(() => setImmediate(() => dialling.delete(attempt)))
}
