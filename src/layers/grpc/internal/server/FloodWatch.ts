/**
 * Cuts off clients that send and send and ask for nothing: floods of PING, SETTINGS, CONTINUATION, PRIORITY,
 * WINDOW_UPDATE, empty DATA or unknown frames, which cost this side work and the other none.
 *
 * Whatever a connection receives beyond its calls and their messages is overhead. A client has some, more when much is
 * sent to it; one that has far more for two looks in a row, or enormously more in one, is told so and closed.
 */
import * as http2 from "node:http2"
import { every } from "../../../sockets/Timer.ts"

/** Bytes of overhead between two looks that no client of good will has. */
export interface FloodLimits {
  readonly everyMillis: number
  readonly overheadMax: number
  readonly overheadMaxAtOnce: number
}

export const limitsDefault: FloodLimits = { everyMillis: 1_000, overheadMax: 2 ** 18, overheadMaxAtOnce: 2 ** 20 }

/** Headers of a call, with certificates and metadata. */
const bytesOfCall = 16_384
/** A window is opened again after 16 KiB at the least, with less than 64 bytes. */
const sentPerOverhead = 64

const counts = new WeakMap<http2.Http2Session, { useful: number }>()

/** Bytes of a message that were read. */
export const useful = (session: http2.Http2Session | undefined, bytes: number): void => {
  const count = session === undefined ? undefined : counts.get(session)
  if (count !== undefined) count.useful += bytes
}

interface Watched {
  readonly count: { useful: number }
  received: number
  sent: number
  strikes: number
}

export class FloodWatch {
  readonly #watched = new Map<http2.ServerHttp2Session, Watched>()
  readonly #limits: FloodLimits
  readonly #told: (peer: string) => void
  #stop: (() => void) | undefined

  constructor(limits: FloodLimits, told: (peer: string) => void) {
    this.#limits = limits
    this.#told = told
  }

  add(session: http2.ServerHttp2Session): void {
    const count = { useful: 0 }
    counts.set(session, count)
    this.#watched.set(session, { count, received: 0, sent: 0, strikes: 0 })
    session.on("stream", () => {
      count.useful += bytesOfCall
    })
    session.once("close", () => {
      this.#watched.delete(session)
      if (this.#watched.size > 0) return
      this.#stop?.()
      this.#stop = undefined
    })
    this.#stop ??= every(this.#limits.everyMillis, () => this.look())
  }

  look(): void {
    for (const [session, watched] of this.#watched) if (!session.destroyed) this.#judge(session, watched)
  }

  #judge(session: http2.ServerHttp2Session, watched: Watched): void {
    const { socket } = session
    const { bytesRead } = socket
    // Most connections say nothing between two looks, and each question to a socket costs.
    if (bytesRead === watched.received) {
      watched.strikes = 0
      return
    }
    const { bytesWritten } = socket
    const allowed = watched.count.useful + (bytesWritten - watched.sent) / sentPerOverhead
    const overhead = bytesRead - watched.received - allowed
    watched.received = bytesRead
    watched.sent = bytesWritten
    // What was allowed and has not come yet may come until the next look.
    watched.count.useful = Math.max(0, Math.min(bytesOfCall, -overhead))
    watched.strikes = overhead > this.#limits.overheadMax ? watched.strikes + 1 : 0
    if (watched.strikes < 2 && overhead <= this.#limits.overheadMaxAtOnce) return
    this.#told(socket.remoteAddress ?? "a client")
    session.goaway(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM)
    session.destroy()
  }
}
