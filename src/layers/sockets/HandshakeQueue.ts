/**
 * Lets the TLS handshakes of one listener begin a few at a time, so that whoever opens thousands of connections takes the
 * processor from nobody who has one.
 *
 * Addresses take turns, so a newcomer waits for at most one handshake of each of the others. Only a connection on which
 * something has arrived takes a turn, and a peer that is slow to answer gives its turn back soon, though its handshake
 * goes on. Who has had no turn for too long has surely given up.
 */
import type * as net from "node:net"
import type * as tls from "node:tls"
import { FairQueue } from "./FairQueue.ts"
import { later } from "./Timer.ts"

export interface HandshakeLimits {
  /** Handshakes whose next step may come at the same moment. */
  readonly atOnce: number
  /** After this the turn is over, whether or not the handshake is. */
  readonly turnMillis: number
  /** Closed when no turn has come until then. */
  readonly waitMillis: number
}

/** One step takes a millisecond or two of the processor; 130 handshakes a second begin even where all peers are slow. */
export const limitsDefault: HandshakeLimits = { atOnce: 2, turnMillis: 15, waitMillis: 10_000 }

interface Waiting {
  readonly socket: net.Socket
  readonly key: string
  readonly sinceMillis: number
  readonly begin: () => void
}

/** Which connection it is, whether it is seen from below TLS or from above. */
export const keyOf = ({ remoteAddress, remotePort }: Pick<net.Socket, "remoteAddress" | "remotePort">): string =>
  `${remoteAddress} ${remotePort}`

export class HandshakeQueue {
  readonly #limits: HandshakeLimits
  readonly #refused: (socket: net.Socket) => void
  /** A line for each address. */
  readonly #waiting = new FairQueue<Waiting>()
  /** Whether the next is to begin in the next round. */
  #isDue = false
  /** Turns that go on, and how to keep their ends from coming by time. */
  readonly #running = new Map<string, () => void>()

  /** `refused` hears of those that had no turn in time, before they are closed. */
  constructor(limits: HandshakeLimits, refused: (socket: net.Socket) => void) {
    this.#limits = limits
    this.#refused = refused
  }

  /** `begin` takes the connection over, with what has arrived on it. */
  add(socket: net.Socket, begin: () => void): void {
    // Nobody else listens yet; who takes the connection over does.
    socket.on("error", () => {})
    socket.once("readable", () => {
      // It went away, and has sent nothing.
      if (socket.readableLength === 0) return void socket.destroy()
      const one = { socket, key: keyOf(socket), sinceMillis: performance.now(), begin }
      this.#waiting.add(socket.remoteAddress ?? "", one)
      this.#next()
    })
  }

  /** The handshake of this connection is done; it may be given as it is above TLS. */
  done(socket: Pick<net.Socket, "remoteAddress" | "remotePort">): void {
    this.#end(keyOf(socket))
  }

  #end(key: string): void {
    const cancel = this.#running.get(key)
    if (cancel === undefined) return
    cancel()
    this.#running.delete(key)
    this.#next()
  }

  #next(): void {
    if (this.#isDue || this.#waiting.isEmpty || this.#running.size >= this.#limits.atOnce) return
    this.#isDue = true
    // One in each round of the event loop: what others have sent meanwhile is read between two of them.
    setImmediate(() => {
      this.#isDue = false
      const one = this.#waiting.take()
      if (one !== undefined) this.#begin(one)
      this.#next()
    })
  }

  #begin({ begin, key, sinceMillis, socket }: Waiting): void {
    if (socket.destroyed) return
    if (performance.now() - sinceMillis > this.#limits.waitMillis) {
      this.#refused(socket)
      socket.destroy()
      return
    }
    this.#running.set(key, later(this.#limits.turnMillis, () => this.#end(key)))
    socket.once("close", () => this.#end(key))
    begin()
  }
}

/**
 * Node's server begins TLS on every connection at once; this one waits for their turns. Who listens to `connection` later
 * hears of each as it comes.
 */
export const takeTurns = (server: tls.Server, refused: (socket: net.Socket) => void): void => {
  const queue = new HandshakeQueue(limitsDefault, refused)
  const begin = server.listeners("connection")
  server.removeAllListeners("connection")
  server.on("connection", (socket) =>
    queue.add(socket, () => {
      for (const listener of begin) Reflect.apply(listener, server, [socket])
    }))
  server.on("secureConnection", (socket) => queue.done(socket))
}
