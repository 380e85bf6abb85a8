/**
 * Connections that have come to terms and have made no call yet: a few of one address, and so many in all. For each one
 * more the oldest of them goes.
 *
 * A client of good will calls when it is connected, and counts no more from then on. What connects and does nothing takes
 * memory, over TLS some 85 KB, of which the system does not get all back.
 */
import * as http2 from "node:http2"

export interface CalllessLimits {
  readonly perPeerMax: number
  readonly max: number
}

export const limitsDefault: CalllessLimits = { perPeerMax: 128, max: 1_024 }

const first = (sessions: Iterable<http2.ServerHttp2Session>): http2.ServerHttp2Session | undefined => {
  for (const session of sessions) return session
  return undefined
}

export class Callless {
  /** By address; each in the order in which they came. */
  readonly #byPeer = new Map<string, Set<http2.ServerHttp2Session>>()
  /** With their address, which a closed connection does not know any more. */
  readonly #all = new Map<http2.ServerHttp2Session, string>()
  readonly #limits: CalllessLimits
  readonly #told: (peer: string) => void

  /** `told` of the address of each that goes. */
  constructor(limits: CalllessLimits, told: (peer: string) => void) {
    this.#limits = limits
    this.#told = told
  }

  add(session: http2.ServerHttp2Session): void {
    const peer = session.socket.remoteAddress ?? ""
    const ofPeer = this.#byPeer.get(peer) ?? new Set()
    this.#byPeer.set(peer, ofPeer.add(session))
    this.#all.set(session, peer)
    const forget = () => this.#forget(session)
    session.once("stream", forget)
    session.once("close", forget)
    if (peer !== "" && ofPeer.size > this.#limits.perPeerMax) this.#end(first(ofPeer))
    else if (this.#all.size > this.#limits.max) this.#end(first(this.#all.keys()))
  }

  #forget(session: http2.ServerHttp2Session): void {
    const peer = this.#all.get(session)
    if (peer === undefined) return
    this.#all.delete(session)
    const ofPeer = this.#byPeer.get(peer)
    ofPeer?.delete(session)
    if (ofPeer?.size === 0) this.#byPeer.delete(peer)
  }

  #end(session: http2.ServerHttp2Session | undefined): void {
    if (session === undefined) return
    const peer = this.#all.get(session) ?? ""
    this.#forget(session)
    this.#told(peer)
    session.goaway(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM)
    session.destroy()
  }
}
