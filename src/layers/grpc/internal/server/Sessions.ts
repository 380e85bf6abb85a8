/**
 * The connections of a server: counted, watched over, and closed together.
 */
import { Effect } from "effect"
import type * as http2 from "node:http2"
import type * as net from "node:net"
import { keyOf } from "../../../sockets/HandshakeQueue.ts"
import { later } from "../../../sockets/Timer.ts"
import type { Callless } from "./Callless.ts"
import * as Connection from "./Connection.ts"
import type { FloodWatch } from "./FloodWatch.ts"

const replaceWithinMillis = 1_000

export class Sessions {
  readonly #open = new Set<http2.ServerHttp2Session>()
  /** Connections that are still coming to terms, and how often all were replaced when they began. */
  readonly #arriving = new Map<string, number>()
  #replacements = 0
  readonly #life: Connection.ConnectionLife
  readonly #random: () => number
  #isClosing = false
  #onEmpty = () => {}

  /** Takes care of each session of `server`. */
  constructor(
    server: http2.Http2Server | http2.Http2SecureServer,
    life: Connection.ConnectionLife,
    watches: { readonly floods: FloodWatch; readonly callless: Callless },
    random: () => number
  ) {
    this.#life = life
    this.#random = random
    server.on("connection", (socket: net.Socket) => {
      const key = keyOf(socket)
      this.#arriving.set(key, this.#replacements)
      socket.once("close", () => this.#arriving.delete(key))
    })
    server.on("session", (session) => {
      if (this.#isClosing) return session.destroy()
      const key = keyOf(session.socket)
      // Its certificates were those of before.
      if ((this.#arriving.get(key) ?? this.#replacements) < this.#replacements) this.#retireSoon(session)
      this.#arriving.delete(key)
      this.#open.add(session)
      session.on("error", () => {})
      session.once("close", () => {
        this.#open.delete(session)
        if (this.#open.size === 0) this.#onEmpty()
      })
      Connection.watch(session, life, random())
      watches.floods.add(session)
      watches.callless.add(session)
    })
    // A client without HTTP/2 or with a certificate that is refused: its connection is its own affair.
    server.on("sessionError", () => {})
    server.on("error", () => {})
    server.on("tlsClientError", (_error, socket) => socket.destroy())
    server.on("unknownProtocol", (socket) => socket.destroy())
  }

  /** Tells every client that no further call is taken, and waits until the running ones have ended. */
  readonly close: Effect.Effect<void> = Effect.callback((resume) => {
    this.#isClosing = true
    this.#onEmpty = () => resume(Effect.void)
    for (const session of this.#open) session.close()
    if (this.#open.size === 0) resume(Effect.void)
  })

  /**
   * Asks every client of now to connect again, not all in the same moment; running calls go on for the grace of a
   * connection that is too old.
   */
  readonly replace: Effect.Effect<void> = Effect.sync(() => {
    this.#replacements += 1
    for (const session of this.#open) this.#retireSoon(session)
  })

  #retireSoon(session: http2.ServerHttp2Session): void {
    session.once("close", later(this.#random() * replaceWithinMillis, () => Connection.retire(session, this.#life)))
  }

  readonly destroy: Effect.Effect<void> = Effect.sync(() => {
    for (const session of this.#open) session.destroy()
  })
}
