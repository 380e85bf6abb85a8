/**
 * The connections of a server: counted, watched over, and closed together.
 */
import { Effect } from "effect"
import type * as http2 from "node:http2"
import { later } from "../Timer.ts"
import * as Connection from "./Connection.ts"
import type { FloodWatch } from "./FloodWatch.ts"

const replaceWithinMillis = 1_000

export class Sessions {
  readonly #open = new Set<http2.ServerHttp2Session>()
  readonly #life: Connection.ConnectionLife
  readonly #random: () => number
  #isClosing = false
  #onEmpty = () => {}

  /** Takes care of each session of `server`. */
  constructor(
    server: http2.Http2Server | http2.Http2SecureServer,
    life: Connection.ConnectionLife,
    floods: FloodWatch,
    random: () => number
  ) {
    this.#life = life
    this.#random = random
    server.on("session", (session) => {
      if (this.#isClosing) return session.destroy()
      this.#open.add(session)
      session.on("error", () => {})
      session.once("close", () => {
        this.#open.delete(session)
        if (this.#open.size === 0) this.#onEmpty()
      })
      Connection.watch(session, life, random())
      floods.add(session)
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
    for (const session of this.#open) {
      const cancel = later(this.#random() * replaceWithinMillis, () => Connection.retire(session, this.#life))
      session.once("close", cancel)
    }
  })

  readonly destroy: Effect.Effect<void> = Effect.sync(() => {
    for (const session of this.#open) session.destroy()
  })
}
